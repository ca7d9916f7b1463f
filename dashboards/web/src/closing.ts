/** A month's page: a button that computes says so while it does, and the documents' progress asks again by itself. */
import "htmx.org";
import { sayBusy } from "./parts/busy";

sayBusy();
