int cloud_height(int kind);
