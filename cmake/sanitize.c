/* Linked into every program of a sanitizer build, so that a leak report names only memory of ours.
 *
 * Open MPI keeps memory until the process ends, and unloads its plugins before the leak checker
 * looks: their frames have no module by then and could not be told from our own. So plugins stay
 * loaded, and what they and their libraries allocated is passed over by name. */
int dlclose(void *handle);
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

int dlclose(void *handle)
{
    (void)handle;
    return 0;
}

/* vasprintf: called there through the C library, which has no frame pointers to go further up. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libmpi.so\n"
           "leak:libopen-rte.so\n"
           "leak:libopen-pal.so\n"
           "leak:libpmix.so\n"
           "leak:libhwloc.so\n"
           "leak:mca_\n"
           "leak:vasprintf\n";
}

const char *__lsan_default_options(void) { return "print_suppressions=0"; }

/* The size of a plugin's thread-local memory is guessed from bytes before it; where the guess is
 * wrong, the leak checker reads outside any memory and fails itself. */
const char *__asan_default_options(void) { return "intercept_tls_get_addr=0"; }

const char *__ubsan_default_options(void) { return "print_stacktrace=1"; }
