/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKLOAD_H
#define WORKLOAD_H

/* Given by whoever runs the workload. */
void put_char(char c);

/* Computes all kinds of things in plain C and prints a line for each. The output depends on nothing but this source. */
void workload(void);

#endif
