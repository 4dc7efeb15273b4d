/* program/kaggle/train.py, built in. */
#ifndef KERNEL_SCRIPT_DATA_H
#define KERNEL_SCRIPT_DATA_H

#include <stddef.h>

extern const unsigned char kernel_script_data[];
extern const size_t kernel_script_size;

#endif
