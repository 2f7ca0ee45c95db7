struct river_api {
    int (*is_high)(void);
};
#define RIVER_IMPORT() ((struct river_api *)PyCapsule_Import("river._C_API", 0))
