/* An example of a policy for `megabed verify --policy ./libexample_policy.so`: push while the frontier is sparse,
 * pull while it is dense, with one hold between the two, and a memory constraint that is held in the same way.
 * It obeys every law but three: S6 (the route has no hold), O5c (pressure is not inferred where it was not read) and
 * O6 (it looks at three of the parameters only). */
#include "policy/plugin_abi.h"

#define WHOLE 10000U
#define WARP 32U

/* What is remembered, in the first word of the state: bit 0 pulling, bit 1 constrained. */
#define PULLING 1U
#define CONSTRAINED 2U

static uint64_t min64(uint64_t left, uint64_t right) { return left < right ? left : right; }
static uint64_t max64(uint64_t left, uint64_t right) { return left > right ? left : right; }

/* Whether a signal is on: at its threshold, or it was on and stays within the band. A reading that was not taken
 * leaves it as it was. */
static int held(int was_on, int taken, uint32_t reading, uint32_t threshold, uint32_t hysteresis) {
    if (!taken) {
        return was_on;
    }
    return reading >= threshold || (was_on && reading + hysteresis >= threshold);
}

static int32_t decide(const void* instance, const struct megabed_parameters* parameters,
                      const struct megabed_request* request, const struct megabed_state* state,
                      struct megabed_decision* decision) {
    (void)instance;
    const uint32_t width = parameters->hysteresis_bps;
    if (parameters->dense_frontier_threshold_bps <= width || parameters->dense_frontier_threshold_bps > WHOLE ||
        parameters->memory_pressure_threshold_bps <= width || parameters->memory_pressure_threshold_bps > WHOLE) {
        return MEGABED_INVALID_PARAMETER;
    }
    if (request->max_workgroup_size_x == 0 || request->max_compute_workgroups_per_dimension == 0 ||
        request->max_compute_invocations_per_workgroup == 0) {
        return MEGABED_ZERO_ADAPTER_LIMIT;
    }
    const uint64_t remembered = state->words[0];
    const int pulling = held((remembered & PULLING) != 0, (request->present & MEGABED_HAS_DENSITY) != 0,
                             request->frontier_density_bps, parameters->dense_frontier_threshold_bps, width);
    const int constrained = held((remembered & CONSTRAINED) != 0, (request->present & MEGABED_HAS_PRESSURE) != 0,
                                 request->memory_pressure_bps, parameters->memory_pressure_threshold_bps, width);

    /* As many whole warps as the adapter allows, up to 256 lanes; as many groups as the queue fills. */
    const uint64_t limit = min64(request->max_workgroup_size_x, request->max_compute_invocations_per_workgroup);
    const uint64_t lanes = limit < WARP ? limit : min64(256, limit - limit % WARP);
    const uint64_t blocks = (max64(request->queue_len, 1) + lanes - 1) / lanes;
    uint64_t groups = request->requested_worker_groups != 0 ? request->requested_worker_groups : 128;
    groups = min64(groups, request->max_compute_workgroups_per_dimension);
    if (constrained) {
        groups = max64(groups / 2, 1);
    }
    const uint64_t hits = request->requested_hit_capacity != 0
                              ? request->requested_hit_capacity
                              : max64((uint64_t)request->queue_len * max64(request->expected_hits_per_item, 1),
                                      parameters->min_hit_capacity);
    if (blocks * lanes > UINT32_MAX || hits > UINT32_MAX) {
        return MEGABED_CAPACITY_OVERFLOW;
    }
    const uint64_t entries = request->queue_len == 0 ? 0 : hits;
    const uint64_t scratch = entries * parameters->scratch_bytes_per_hit;
    if (request->resident_device_bytes > UINT64_MAX - scratch) {
        return MEGABED_CAPACITY_OVERFLOW;
    }
    const uint64_t peak = request->resident_device_bytes + scratch;
    const uint64_t budget = request->device_memory_budget_bytes;
    if (request->queue_len != 0 && budget != 0 && peak > budget) {
        return MEGABED_OUT_OF_MEMORY;
    }

    decision->workgroup_size_x = (uint32_t)lanes;
    decision->slot_count = (uint32_t)(blocks * lanes);
    decision->dispatch_grid_x = (uint32_t)min64(min64(blocks, groups), parameters->dispatch_workgroups_max);
    decision->worker_groups = (uint32_t)groups;
    decision->hit_capacity = (uint32_t)entries;
    decision->estimated_peak_device_bytes = peak;
    decision->execution_mode = request->queue_len >= parameters->jit_queue_len_threshold ? 1 : 0;
    decision->pressure = request->queue_len == 0 ? 0 : request->queue_len < lanes * groups ? 1 : 2;
    if (request->queue_len == 0) {
        decision->topology = MEGABED_EMPTY;
        decision->next = *state; /* an empty queue leaves no trace */
        return MEGABED_OK;
    }
    decision->topology = constrained ? MEGABED_MEMORY : pulling ? MEGABED_DENSE : MEGABED_SPARSE;
    decision->next.words[0] = (pulling ? PULLING : 0U) | (constrained ? CONSTRAINED : 0U);
    return MEGABED_OK;
}

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const struct megabed_policy_description* megabed_policy(void) {
    static const struct megabed_policy_description kDescription = {
        MEGABED_POLICY_ABI_VERSION,
        sizeof(struct megabed_policy_description),
        "example",
        "push or pull, with one hold between the two",
        0, /* create: nothing to keep */
        0, /* destroy */
        decide,
    };
    return &kDescription;
}
