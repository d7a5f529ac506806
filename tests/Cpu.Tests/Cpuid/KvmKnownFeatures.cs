// SPDX-License-Identifier: Apache-2.0

using KvmActors.Cpu.Cpuid;
using KvmActors.Cpu.Cpuid.Names;

namespace KvmActors.Cpu.Tests.Cpuid;

/// <summary>Every CPUID feature bit that KVM knows by name: what it passes on, emulates, sets at run time or leaves to
/// its vendor modules. One line a register, LEAF.SUBLEAF REGISTER, then bit:name with the name of our table.</summary>
/// <remarks>Source: the feature words of Linux arch/x86/kvm/cpuid.c and reverse_cpuid.h, and
/// arch/x86/include/uapi/asm/kvm_para.h. <see cref="V619"/> is v6.19. <see cref="Later"/> came after it, from v7.0
/// on, up to commit d482bb509b7d of 2026.</remarks>
internal static class KvmKnownFeatures
{
    public const string V619 = """
        1.0 ecx 0:sse3 1:pclmulqdq 2:dtes64 3:monitor 5:vmx 9:ssse3 12:fma 13:cx16 15:pdcm 17:pcid 19:sse4_1 20:sse4_2
        1.0 ecx 21:x2apic 22:movbe 23:popcnt 24:tsc_deadline 25:aes 26:xsave 27:osxsave 28:avx 29:f16c 30:rdrand
        1.0 ecx 31:hypervisor
        1.0 edx 0:fpu 1:vme 2:de 3:pse 4:tsc 5:msr 6:pae 7:mce 8:cx8 9:apic 11:sep 12:mtrr 13:pge 14:mca 15:cmov 16:pat
        1.0 edx 17:pse36 19:clflush 21:ds 23:mmx 24:fxsr 25:sse 26:sse2 27:ss
        6.0 eax 2:arat
        7.0 ebx 0:fsgsbase 1:tsc_adjust 2:sgx 3:bmi1 4:hle 5:avx2 6:fdp_excptn_only 7:smep 8:bmi2 9:erms 10:invpcid
        7.0 ebx 11:rtm 13:zero_fcs_fds 14:mpx 16:avx512f 17:avx512dq 18:rdseed 19:adx 20:smap 21:avx512ifma
        7.0 ebx 23:clflushopt 24:clwb 25:intel_pt 26:avx512pf 27:avx512er 28:avx512cd 29:sha_ni 30:avx512bw 31:avx512vl
        7.0 ecx 1:avx512vbmi 2:umip 3:pku 4:ospke 5:waitpkg 6:avx512_vbmi2 7:shstk 8:gfni 9:vaes 10:vpclmulqdq
        7.0 ecx 11:avx512_vnni 12:avx512_bitalg 14:avx512_vpopcntdq 16:la57 22:rdpid 24:bus_lock_detect 25:cldemote
        7.0 ecx 27:movdiri 28:movdir64b 30:sgx_lc
        7.0 edx 2:avx512_4vnniw 3:avx512_4fmaps 4:fsrm 8:avx512_vp2intersect 10:md_clear 14:serialize 16:tsxldtrk
        7.0 edx 20:ibt 22:amx_bf16 23:avx512_fp16 24:amx_tile 25:amx_int8 26:spec_ctrl 27:intel_stibp 28:flush_l1d
        7.0 edx 29:arch_capabilities 31:spec_ctrl_ssbd
        7.1 eax 0:sha512 1:sm3 2:sm4 4:avx_vnni 5:avx512_bf16 7:cmpccxadd 10:fzrm 11:fsrs 12:fsrc 18:lkgs 19:wrmsrns
        7.1 eax 21:amx_fp16 23:avx_ifma 26:lam
        7.1 ecx 5:msr_imm
        7.1 edx 4:avx_vnni_int8 5:avx_ne_convert 8:amx_complex 10:avx_vnni_int16 14:prefetchiti 19:avx10
        7.2 edx 0:intel_psfd 1:ipred_ctrl 2:rrsba_ctrl 3:ddpd_u 4:bhi_ctrl 5:mcdt_no
        d.1 eax 0:xsaveopt 1:xsavec 2:xgetbv1 3:xsaves 4:xfd
        12.0 eax 0:sgx1 1:sgx2 11:sgx_edeccssa
        24.0 ebx 16:avx10_128 17:avx10_256 18:avx10_512
        40000001.0 eax 0:kvm_clocksource 1:kvm_nop_io_delay 2:kvm_mmu_op 3:kvm_clocksource2 4:kvm_async_pf
        40000001.0 eax 5:kvm_steal_time 6:kvm_pv_eoi 7:kvm_pv_unhalt 9:kvm_pv_tlb_flush 10:kvm_async_pf_vmexit
        40000001.0 eax 11:kvm_pv_send_ipi 12:kvm_poll_control 13:kvm_pv_sched_yield 14:kvm_async_pf_int
        40000001.0 eax 15:kvm_msi_ext_dest_id 16:kvm_hc_map_gpa_range 17:kvm_migration_control
        40000001.0 eax 24:kvm_clocksource_stable
        40000001.0 edx 0:kvm_hints_realtime
        80000001.0 ecx 0:lahf_lm 1:cmp_legacy 2:svm 4:cr8_legacy 5:abm 6:sse4a 7:misalignsse 8:3dnowprefetch 9:osvw
        80000001.0 ecx 11:xop 16:fma4 21:tbm 22:topoext 23:perfctr_core
        80000001.0 edx 0:amd_fpu 1:amd_vme 2:amd_de 3:amd_pse 4:amd_tsc 5:amd_msr 6:amd_pae 7:amd_mce 8:amd_cx8
        80000001.0 edx 9:amd_apic 11:syscall 12:amd_mtrr 13:amd_pge 14:amd_mca 15:amd_cmov 16:amd_pat 17:amd_pse36
        80000001.0 edx 20:nx 22:mmxext 23:amd_mmx 24:amd_fxsr 25:fxsr_opt 26:pdpe1gb 27:rdtscp 29:lm 30:3dnowext
        80000001.0 edx 31:3dnow
        80000007.0 edx 8:invtsc
        80000008.0 ebx 0:clzero 2:xsaveerptr 9:wbnoinvd 12:amd_ibpb 14:amd_ibrs 15:amd_stibp 17:amd_stibp_always_on
        80000008.0 ebx 19:amd_ibrs_same_mode 20:lmsle_unsupported 24:amd_ssbd 25:virt_ssbd 26:amd_ssb_no 28:amd_psfd
        80000008.0 ebx 30:ibpb_ret
        8000000a.0 edx 0:npt 1:lbrv 3:nrip_save 4:tsc_scale 5:vmcb_clean 6:flushbyasid 10:pausefilter 12:pfthreshold
        8000000a.0 edx 15:v_vmsave_vmload 16:vgif 25:vnmi 28:svme_addr_chk
        8000001f.0 eax 0:sme 1:sev 3:sev_es 10:sme_coherent
        80000021.0 eax 0:no_nested_data_bp 1:wrmsr_xx_base_ns 2:lfence_rdtsc 5:verw_clear 6:null_sel_clr_base
        80000021.0 eax 8:autoibrs 9:no_smm_ctl_msr 20:prefetchi 27:sbpb 28:ibpb_brtype 29:srso_no
        80000021.0 eax 30:srso_user_kernel_no
        80000021.0 ecx 1:tsa_sq_no 2:tsa_l1_no
        80000022.0 eax 0:perfmon_v2
        c0000001.0 edx 2:rng 3:rng_en 6:ace 7:ace_en 8:ace2 9:ace2_en 10:phe 11:phe_en 12:pmm 13:pmm_en
        """;

    public const string Later = """
        7.1 eax 31:movrs
        1e.1 eax 0:amx_int8_alias 1:amx_bf16_alias 2:amx_complex_alias 3:amx_fp16_alias 4:amx_fp8 6:amx_tf32
        1e.1 eax 7:amx_avx512 8:amx_movrs
        24.1 ecx 2:avx10_vnni_int
        80000021.0 eax 17:cpuid_user_dis 23:avx512_bmm 24:eraps
        c0000001.0 edx 0:sm2 1:sm2_en 4:ccs 5:ccs_en 22:rng2 23:rng2_en 25:phe2 26:phe2_en 27:rsa 28:rsa_en
        """;

    /// <summary>The lines of one list as features.</summary>
    public static IEnumerable<(string Name, CpuidFeature Feature)> Read(string lines) =>
        from line in lines.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        let words = line.Split(' ')
        let place = words[0].Split('.')
        from word in words.Skip(2)
        let bit = word.Split(':')
        select (bit[1], new CpuidFeature(
            Convert.ToUInt32(place[0], 16),
            Convert.ToUInt32(place[1], 16),
            Enum.Parse<CpuidRegister>(words[1], ignoreCase: true),
            int.Parse(bit[0])));
}
