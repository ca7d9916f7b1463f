"""Find: what do you want to measure?"""
