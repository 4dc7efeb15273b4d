/* The cage of the decoder's helper: no files, no new ones, no sockets but its one, no other
 * programs. What a codec needs is memory, threads and time; every other system call ends the
 * process. Source: seccomp(2); the list is what the tests' pictures of every kind call, run with
 * each kind's codec under strace.
 *
 * Calls that libraries try and can do without (asking for the number of processors in /sys, names
 * of threads) are refused rather than deadly. Under a sanitizer, which needs more than that, only
 * files and limits are given up. */
#include "server_helper.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define MEMORY_MAX (UINT64_C(3) << 30) /* 100 megapixels of 16 bit in four channels, held whole */

static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendto),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(close),
    SCMP_SYS(restart_syscall),
};

static const int refused[] = {
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(stat),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(readlink),
    SCMP_SYS(prctl),
    SCMP_SYS(clone3),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getcwd),
    SCMP_SYS(sched_setaffinity),
    SCMP_SYS(sched_setscheduler),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(getpriority),
    SCMP_SYS(setpriority),
    SCMP_SYS(prlimit64),
    SCMP_SYS(uname),
    SCMP_SYS(getcpu),
};

static int add_rules(scmp_filter_ctx filter)
{
    int bad = 0;
    for (size_t i = 0; i < DY_COUNT(allowed); i++)
        bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    for (size_t i = 0; i < DY_COUNT(refused); i++) /* clone3's flags lie in memory: use clone */
        bad |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), refused[i], 0);
    /* memory that is never code; threads, but no processes */
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    bad |= seccomp_rule_add(
        filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
        SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM));
    return bad;
}

static bool load_filter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter)
        return false;
    bool good = !add_rules(filter) && !seccomp_load(filter);
    seccomp_release(filter);
    return good;
}

static bool limit(int what, uint64_t most)
{
    struct rlimit limits = {most, most};
    return !setrlimit((__rlimit_resource_t)what, &limits);
}

enum dylumo_status server_cage(struct dylumo_error *err)
{
    bool good = !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) &&
                limit(RLIMIT_NOFILE, 1) && limit(RLIMIT_CORE, 0) && limit(RLIMIT_FSIZE, 0);
    if (good && !SANITIZED)
        good = limit(RLIMIT_AS, MEMORY_MAX) && load_filter();
    return good ? DYLUMO_OK
                : dy_fail_errno(err, errno, "decoder's helper", "cannot give up its rights");
}
