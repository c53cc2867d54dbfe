/* A library that is no policy. For the tests of the plug-in host. */
int nothing_to_see(void) { return 0; }
