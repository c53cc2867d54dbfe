#pragma once

/* The C interface of a policy in a shared library: `megabed verify --policy ./libmine.so`.
 *
 * A library exports one function, megabed_policy, which returns a description that lives as long as the
 * library. Nothing here is C++, so any language and compiler will do. Within one version of the interface no
 * struct changes; a library built for another version is refused by name. Version 2 added hysteresis_bps.
 *
 * Requirements on `recommend`: it is a pure function (equal arguments give equal answers), it is called from
 * one thread, it prints nothing on stdout, which is the command's, it returns within the deadline (2 s unless
 * MEGABED_PLUGIN_DEADLINE_MS says otherwise). The library runs in a child process: one that crashes, hangs or
 * returns nonsense is reported with the request it had.
 *
 * See policy/example_plugin/ for a whole project.
 */
#include <stdint.h> /* NOLINT(modernize-deprecated-headers): this header is C */

#ifdef __cplusplus
extern "C" {
#endif

#define MEGABED_POLICY_ABI_VERSION 2U

/* Bits of megabed_request.present: readings that were taken. */
#define MEGABED_HAS_WORKER_GROUPS (1U << 0)
#define MEGABED_HAS_HIT_CAPACITY (1U << 1)
#define MEGABED_HAS_NODES (1U << 2)
#define MEGABED_HAS_EDGES (1U << 3)
#define MEGABED_HAS_DENSITY (1U << 4)
#define MEGABED_HAS_PRESSURE (1U << 5)
#define MEGABED_HAS_BUDGET (1U << 6)
#define MEGABED_HAS_TRAVERSAL (1U << 7)

/* Values of megabed_decision.topology. */
#define MEGABED_EMPTY 0U
#define MEGABED_SPARSE 1U
#define MEGABED_HYBRID 2U
#define MEGABED_DENSE 3U
#define MEGABED_FUSED 4U
#define MEGABED_MEMORY 5U

/* What `recommend` returns: 0, or why there is no answer. */
#define MEGABED_OK 0
#define MEGABED_ZERO_ADAPTER_LIMIT 1
#define MEGABED_CAPACITY_OVERFLOW 2
#define MEGABED_OUT_OF_MEMORY 3
#define MEGABED_INVALID_PARAMETER 4
#define MEGABED_NOT_SUPPORTED 5

/* NOLINTBEGIN(readability-identifier-naming): names as C has them. */

/* Parameters of the scenario's [policy] table. Units: basis points where the name says so, else counts. */
struct megabed_parameters {
    uint32_t min_hit_capacity;
    uint32_t hit_capacity_multiplier;
    uint32_t saturated_waves;
    uint32_t hot_opcode_threshold;
    uint32_t hot_window_threshold;
    uint32_t jit_queue_len_threshold;
    uint32_t priority_age_threshold;
    uint32_t sparse_frontier_threshold_bps;
    uint32_t dense_frontier_threshold_bps;
    uint32_t memory_pressure_threshold_bps;
    uint32_t hysteresis_bps; /* half-width of a density band; depth of the pressure band */
    uint32_t fusion_edge_threshold;
    uint32_t scratch_bytes_per_hit;
    uint32_t dispatch_workgroups_max;
};

/* What may be read before a launch; a field whose bit in `present` is 0 holds 0 and means nothing. */
struct megabed_request {
    uint32_t present;
    uint32_t queue_len; /* published unfinished items, or frontier vertices */
    uint32_t requested_worker_groups;
    uint32_t max_workgroup_size_x;                  /* lanes */
    uint32_t max_compute_workgroups_per_dimension;  /* groups */
    uint32_t max_compute_invocations_per_workgroup; /* lanes */
    uint32_t requested_hit_capacity;                /* entries */
    uint32_t expected_hits_per_item;
    uint32_t hot_opcode_count;
    uint32_t hot_window_count;
    uint32_t max_priority_age;
    uint32_t graph_node_count;
    uint32_t graph_edge_count; /* stored (directed) arcs */
    uint32_t frontier_density_bps;
    uint32_t memory_pressure_bps;
    uint32_t visited_vertices;
    uint32_t previous_frontier; /* vertices; 0 at the first wave */
    uint32_t pull_ran;          /* 1: a dense wave ran earlier in this traversal */
    uint64_t requeue_count;
    uint64_t resident_device_bytes;
    uint64_t device_memory_budget_bytes;
    uint64_t frontier_arcs;   /* arcs leaving the frontier */
    uint64_t unexplored_arcs; /* arcs leaving vertices not yet visited */
};

/* The policy's memory between launches; all zero before the first. The caller keeps it. */
struct megabed_state {
    uint64_t words[3];
};

struct megabed_decision {
    uint32_t workgroup_size_x; /* lanes a group */
    uint32_t slot_count;       /* a multiple of workgroup_size_x */
    uint32_t dispatch_grid_x;  /* groups; y = z = 1 */
    uint32_t worker_groups;
    uint32_t hit_capacity;   /* entries of the output queue */
    uint32_t pressure;       /* 0 empty, 1 light, 2 balanced, 3 saturated */
    uint32_t execution_mode; /* 0 interpreter, 1 jit */
    uint32_t topology;       /* MEGABED_EMPTY ... MEGABED_MEMORY */
    uint32_t promote_hot_opcodes;
    uint32_t promote_hot_windows;
    uint32_t age_priority_work;
    uint32_t reserved; /* 0 */
    uint64_t estimated_peak_device_bytes;
    struct megabed_state next; /* state to carry */
};

struct megabed_policy_description {
    uint32_t abi_version; /* MEGABED_POLICY_ABI_VERSION */
    uint32_t size;        /* sizeof(struct megabed_policy_description) */
    const char* name;     /* a short label */
    const char* summary;  /* one line */
    /* Makes an instance for these parameters; NULL here: recommend is called with a null instance. */
    void* (*create)(const struct megabed_parameters* parameters);
    void (*destroy)(void* instance);
    /* Decides one launch: MEGABED_OK with *decision filled, or another status above. */
    int32_t (*recommend)(const void* instance, const struct megabed_parameters* parameters,
                         const struct megabed_request* request, const struct megabed_state* state,
                         struct megabed_decision* decision);
};

/* NOLINTEND(readability-identifier-naming) */

/* The one symbol a library exports. */
const struct megabed_policy_description* megabed_policy(void);

#ifdef __cplusplus
}
#endif
