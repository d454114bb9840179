/*
 * For tests only: lets the egl-headless display of QEMU render on a host without a GPU, with Mesa's renderer in software. It is
 * preloaded, shows QEMU a device /dev/dri/renderD128, and gives it a display of Mesa's platform "surfaceless" instead of GBM.
 *
 * cc -shared -fPIC -o surfaceless-egl.so surfaceless-egl.c -l:libepoxy.so.0 -ldl
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

enum {
    EGL_NONE = 0x3038,
    EGL_SURFACE_TYPE = 0x3033,
    EGL_PBUFFER_BIT = 1,
    EGL_PLATFORM_GBM = 0x31D7,
    EGL_PLATFORM_SURFACELESS = 0x31DD,
    MAX_ATTRIBUTES = 64,
};

typedef void *(*get_display_t)(unsigned, void *, const int *);
typedef void *(*get_proc_t)(const char *);
typedef unsigned (*choose_config_t)(void *, const int *, void **, int, int *);

/* libepoxy calls EGL through these pointers. */
extern get_proc_t epoxy_eglGetProcAddress;
extern choose_config_t epoxy_eglChooseConfig;

static get_proc_t real_get_proc;
static get_display_t real_get_display;
static choose_config_t real_choose_config;

static const char directory[] = "/dev/dri";
static const char node[] = "/dev/dri/renderD128";
static DIR *faked;
static int entries;

DIR *opendir(const char *name)
{
    DIR *(*real)(const char *) = (DIR * (*)(const char *)) dlsym(RTLD_NEXT, "opendir");
    if (strcmp(name, directory) != 0 || faked)
        return real(name);
    faked = real("/");
    entries = 1;
    return faked;
}

static struct dirent *next_entry(DIR *stream, const char *symbol)
{
    static struct dirent entry = {.d_type = DT_CHR, .d_name = "renderD128"};
    struct dirent *(*real)(DIR *) = (struct dirent * (*)(DIR *)) dlsym(RTLD_NEXT, symbol);
    if (stream != faked)
        return real(stream);
    return entries-- > 0 ? &entry : NULL;
}

struct dirent *readdir(DIR *stream)
{
    return next_entry(stream, "readdir");
}

struct dirent64 *readdir64(DIR *stream)
{
    return (struct dirent64 *)next_entry(stream, "readdir64");
}

static int open_as(const char *symbol, const char *path, int flags, int mode)
{
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, symbol);
    return real(strcmp(path, node) == 0 ? "/dev/null" : path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    int mode = va_arg(more, int);
    va_end(more);
    return open_as("open", path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    int mode = va_arg(more, int);
    va_end(more);
    return open_as("open64", path, flags, mode);
}

void *gbm_create_device(int fd)
{
    static int device;
    (void)fd;
    return &device;
}

void gbm_device_destroy(void *device)
{
    (void)device;
}

/* Those that QEMU needs of GBM alone are not used. */
bool epoxy_has_egl_extension(void *display, const char *name)
{
    (void)display;
    (void)name;
    return true;
}

static void *get_display(unsigned platform, void *native, const int *attributes)
{
    if (platform != EGL_PLATFORM_GBM)
        return real_get_display(platform, native, attributes);
    return real_get_display(EGL_PLATFORM_SURFACELESS, NULL, NULL);
}

static void *get_proc(const char *name)
{
    return strcmp(name, "eglGetPlatformDisplayEXT") == 0 ? (void *)get_display : real_get_proc(name);
}

/* Without a window, only buffers can be rendered to. */
static unsigned choose_config(void *display, const int *attributes, void **configs, int size, int *found)
{
    int wanted[MAX_ATTRIBUTES];
    int used = 0;
    for (; attributes && attributes[used] != EGL_NONE && used < MAX_ATTRIBUTES - 2; used += 2) {
        wanted[used] = attributes[used];
        wanted[used + 1] = attributes[used] == EGL_SURFACE_TYPE ? EGL_PBUFFER_BIT : attributes[used + 1];
    }
    wanted[used] = EGL_NONE;
    return real_choose_config(display, wanted, configs, size, found);
}

__attribute__((constructor)) static void replace(void)
{
    void *egl = dlopen("libEGL.so.1", RTLD_NOW);
    if (!egl)
        return;
    real_get_proc = (get_proc_t)dlsym(egl, "eglGetProcAddress");
    real_choose_config = (choose_config_t)dlsym(egl, "eglChooseConfig");
    real_get_display = (get_display_t)real_get_proc("eglGetPlatformDisplayEXT");
    epoxy_eglGetProcAddress = get_proc;
    epoxy_eglChooseConfig = choose_config;
}
