# Vector kernels: the same sources once per instruction set, chosen at run time.
set(kernel_objects "")
