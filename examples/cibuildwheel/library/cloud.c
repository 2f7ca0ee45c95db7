#include "cloud.h"

int cloud_height(int kind) { return 1000 * kind; }
