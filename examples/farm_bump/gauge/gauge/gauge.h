struct gauge_api {
    int (*level)(void);
};
#define GAUGE_IMPORT() ((struct gauge_api *)PyCapsule_Import("gauge._C_API", 0))
