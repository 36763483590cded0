/* A file system as clusters have them, for files below $FAULTY_MOUNT: with "shm" in $MOUNT_FAULTS the memory of files
   named *-shm cannot be shared, with "locks" there are no locks. Preloaded into a command by tests/faults/mounts.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

/* Whether fd is a file below $FAULTY_MOUNT, of a name that ends so. */
static int below(int fd, const char *suffix) {
    const char *mount = getenv("FAULTY_MOUNT");
    char link[64], path[4096];
    if (mount == NULL || fd < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    size_t end = strlen(suffix);
    return strncmp(path, mount, strlen(mount)) == 0 && (size_t)length >= end && strcmp(path + length - end, suffix) == 0;
}
static int fails(const char *what) {
    const char *faults = getenv("MOUNT_FAULTS");
    return faults != NULL && strstr(faults, what) != NULL;
}
void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
    static void *(*real)(void *, size_t, int, int, int, off_t);
    if (!real) real = dlsym(RTLD_NEXT, "mmap");
    if (fails("shm") && (flags & MAP_SHARED) && below(fd, "-shm")) { errno = ENODEV; return MAP_FAILED; }
    return real(at, length, protection, flags, fd, offset);
}
void *mmap64(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
    return mmap(at, length, protection, flags, fd, offset);
}
static int locks(int command) {
    return command == F_SETLK || command == F_SETLKW || command == F_GETLK || command == F_OFD_SETLK || command == F_OFD_SETLKW || command == F_OFD_GETLK;
}
#define FCNTL(name) \
int name(int fd, int command, ...) { \
    static int (*real)(int, int, void *); \
    va_list rest; va_start(rest, command); void *argument = va_arg(rest, void *); va_end(rest); \
    if (!real) real = dlsym(RTLD_NEXT, #name); \
    if (locks(command) && fails("locks") && below(fd, "")) { errno = ENOLCK; return -1; } \
    return real(fd, command, argument); \
}
FCNTL(fcntl)
FCNTL(fcntl64)
int flock(int fd, int operation) {
    static int (*real)(int, int);
    if (!real) real = dlsym(RTLD_NEXT, "flock");
    if (fails("locks") && below(fd, "")) { errno = ENOLCK; return -1; }
    return real(fd, operation);
}
