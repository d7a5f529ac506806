/* SPDX-License-Identifier: Apache-2.0
 *
 * The multiboot-1 header and the 32-bit entry. With KERNEL64 it builds page tables (the first GiB, in pages of 2 MiB),
 * enters long mode and calls kernel_main(); without, it stays in 32-bit protected mode.
 */
        .set MAGIC, 0x1BADB002
        .set FLAGS, 0x3                 /* page-aligned modules, memory sizes wanted */

        .section .multiboot, "a"
        .align 4
        .long MAGIC, FLAGS, -(MAGIC + FLAGS)

        .section .bss
        .align 4096
pml4:   .skip 4096
pdpt:   .skip 4096
pd:     .skip 4096
        .skip 65536
stack_top:

        .section .text
        .code32
        .globl _start
_start:
        cli
        cld
        mov     $stack_top, %esp
#ifndef KERNEL64
        push    %ebx                    /* multiboot information */
        push    %eax                    /* magic */
        call    kernel_main
1:      hlt
        jmp     1b
#else
        mov     %ebx, %edi              /* multiboot information: 2nd argument, swapped below */
        mov     %eax, %esi

        movl    $pdpt + 3, pml4
        movl    $pd + 3, pdpt
        xor     %ecx, %ecx
2:      mov     %ecx, %eax
        shl     $21, %eax
        or      $0x83, %eax             /* present, writable, 2 MiB */
        mov     %eax, pd(, %ecx, 8)
        inc     %ecx
        cmp     $512, %ecx
        jne     2b

        mov     $pml4, %eax
        mov     %eax, %cr3
        mov     %cr4, %eax
        or      $0x20, %eax             /* PAE */
        mov     %eax, %cr4
        mov     $0xC0000080, %ecx       /* EFER */
        rdmsr
        or      $0x100, %eax            /* LME */
        wrmsr
        mov     %cr0, %eax
        or      $0x80000000, %eax       /* PG */
        mov     %eax, %cr0
        lgdt    gdt_pointer
        ljmp    $8, $long_mode

        .code64
long_mode:
        mov     $16, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        mov     $stack_top, %rsp
        xchg    %rdi, %rsi              /* kernel_main(magic, information) */
        call    kernel_main
3:      hlt
        jmp     3b

        .section .rodata
        .align 8
gdt:    .quad 0, 0x00AF9A000000FFFF, 0x00CF92000000FFFF
gdt_pointer:
        .word . - gdt - 1
        .long gdt
        .long 0
#endif
        .section .note.GNU-stack, "", @progbits
