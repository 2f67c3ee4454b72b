// @ts-check
/** Where somebody comes back from another system: what it sent along was good once, and does not stay in the address. */
if (location.search) history.replaceState(null, "", location.pathname);
