/* Policies that no host should trust, one a build: MISBEHAVIOUR chooses. For the tests of the plug-in host. */
#include "policy/plugin_abi.h"

#include <stdlib.h>
#include <unistd.h>

#define CRASH 1
#define HANG 2
#define WRONG_TOPOLOGY 3
#define WRONG_STATUS 4
#define OTHER_VERSION 5
#define OTHER_SIZE 6
#define CRASH_WHILE_LOADED 7
#define HANG_IN_CREATE 8
#define NO_DESCRIPTION 9
#define EXIT 10

#if MISBEHAVIOUR == CRASH_WHILE_LOADED
__attribute__((constructor)) static void crash_while_loaded(void) { abort(); }
#endif

#if MISBEHAVIOUR == HANG_IN_CREATE
static void* create(const struct megabed_parameters* parameters) {
    (void)parameters;
    for (;;) {
        (void)sleep(1);
    }
}
#else
#define create 0
#endif

static int32_t decide(const void* instance, const struct megabed_parameters* parameters,
                      const struct megabed_request* request, const struct megabed_state* state,
                      struct megabed_decision* decision) {
    (void)instance;
    (void)parameters;
    (void)state;
#if MISBEHAVIOUR == CRASH
    if (request->queue_len > 0) {
        *(volatile int*)0 = 1;
    }
#elif MISBEHAVIOUR == HANG
    while (request->queue_len > 0) {
        (void)sleep(1);
    }
#elif MISBEHAVIOUR == EXIT
    if (request->queue_len > 0) {
        _exit(0);
    }
#endif
    decision->workgroup_size_x = 32;
    decision->slot_count = (request->queue_len / 32 + 1) * 32;
    decision->dispatch_grid_x = 1;
    decision->worker_groups = 1;
    decision->hit_capacity = 1;
#if MISBEHAVIOUR == WRONG_TOPOLOGY
    decision->topology = 77;
#elif MISBEHAVIOUR == WRONG_STATUS
    return 1000;
#endif
    return MEGABED_OK;
}

const struct megabed_policy_description* megabed_policy(void) {
    static const struct megabed_policy_description kDescription = {
        MEGABED_POLICY_ABI_VERSION + (MISBEHAVIOUR == OTHER_VERSION ? 6U : 0U),
        sizeof(struct megabed_policy_description) + (MISBEHAVIOUR == OTHER_SIZE ? 8U : 0U),
        "misbehaving",
        "does what no policy should",
        create,
        0,
        decide,
    };
    return MISBEHAVIOUR == NO_DESCRIPTION ? (const struct megabed_policy_description*)0 : &kDescription;
}
