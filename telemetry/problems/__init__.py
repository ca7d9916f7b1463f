"""The queue of what a person must look at: what it is about, who may know, what could be done, and its picture."""
