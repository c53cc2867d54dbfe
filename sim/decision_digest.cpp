#include "sim/decision_digest.h"

#include <array>
#include <cstdint>

namespace megabed {

void add_decision(Digest& digest, const Decision& decision) {
    const LaunchRecommendation& answer = decision.recommendation;
    const std::uint64_t flags = (answer.promote_hot_opcodes ? 1U : 0U) |
                                (answer.promote_hot_windows ? 2U : 0U) | (answer.age_priority_work ? 4U : 0U);
    digest.add_words(std::array<std::uint64_t, 5>{
        std::uint64_t{answer.geometry.workgroup_size_x} << 32 | answer.geometry.slot_count.value(),
        std::uint64_t{answer.geometry.dispatch_grid[0]} << 32 | answer.worker_groups,
        std::uint64_t{answer.hit_capacity} << 32 | static_cast<std::uint64_t>(answer.pressure) << 24 |
            static_cast<std::uint64_t>(answer.execution_mode) << 16 |
            static_cast<std::uint64_t>(answer.topology) << 8 | flags,
        answer.estimated_peak_device_bytes.value(),
        static_cast<std::uint64_t>(decision.rule) << 8 | static_cast<std::uint64_t>(decision.hold)});
}

void add_refusal(Digest& digest, const Error& error) {
    digest.add(static_cast<std::uint64_t>(error.code) << 8 | static_cast<std::uint64_t>(error.field));
}

}  // namespace megabed
