/* SPDX-License-Identifier: Apache-2.0
 *
 * The same workload as an ordinary program: its output, from a real CPU, is what the kernel's must be.
 */
#include <stdio.h>

#include "workload.h"

void put_char(char c)
{
    putchar(c);
}

int main(void)
{
    workload();
    return 0;
}
