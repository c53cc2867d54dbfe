#pragma once

#include "policy/field_rule.h"

#include <cstdint>

namespace megabed::field {

/// The topology selection of vyre's driver with its hysteresis: a different policy from the launch policy of
/// the same project, which `reference` is. Warp-sparse and sparse are SparseFrontier (MemoryConstrained in the
/// red zone of memory), block-dense and dense DenseFrontier, hybrid HybridFrontier, a fused wave FusedDense.
/// Source: vyre, vyre-driver/src/megakernel_execution.rs, select_megakernel_topology_stable.
struct VyreDriver {
    /// The source's topologies. 0 is none yet.
    enum class Form : std::uint8_t { None, WarpSparse, Sparse, BlockDense, Dense, Hybrid, Fused };

    struct Memory {
        Form form = Form::None;
        bool pressed = false;  ///< sparse for want of memory
    };

    [[nodiscard]] static constexpr PolicyState pack(const Memory& memory) {
        PolicyState state;
        state.words[0] = std::uint64_t{static_cast<std::uint8_t>(memory.form)} << 1 | flag(memory.pressed, 0);
        return state;
    }

    /// Reads any bits at all: a form that is none of the source's counts as none.
    [[nodiscard]] static constexpr Memory unpack(const PolicyState& state) {
        const std::uint64_t code = state.words[0] >> 1;
        const bool known = code <= static_cast<std::uint8_t>(Form::Fused);
        return {known ? static_cast<Form>(code) : Form::None, has_flag(state, 0)};
    }

    /// What the source reads. Density in basis points becomes millionths.
    struct Sample {
        std::uint32_t density_ppm = 0;
        std::uint32_t pressure_bps = 0;
        std::uint64_t degree_bps = 0;  ///< mean degree, floored
        bool fusion_pays = false;      ///< fusion and launch pressure, and enough output
    };

    /// The source's pressures of fusion and launch come from a clock. Here a workload that is hot enough to be
    /// compiled counts as both; the output is queue x expected hits x scratch bytes of a hit.
    [[nodiscard]] static constexpr Sample take_sample(const LaunchPolicyParameters& parameters,
                                                      const LaunchRequest& request,
                                                      const reference::EffectiveSignals& signals) {
        constexpr std::uint32_t kPpmOfBps = 100;
        const TopologySignals& readings = signals.topology;
        const std::uint32_t density = readings.density_bps < kWholeBps ? readings.density_bps : kWholeBps;
        const std::uint32_t hits = request.expected_hits_per_item == 0 ? 1 : request.expected_hits_per_item;
        const Wide output = Wide{request.queue_len} * hits * parameters.scratch_bytes_per_hit;
        Sample sample;
        sample.density_ppm = density * kPpmOfBps;
        sample.pressure_bps = readings.pressure_bps < kWholeBps ? readings.pressure_bps : kWholeBps;
        sample.degree_bps = readings.edges == 0   ? 0
                            : readings.nodes == 0 ? ~std::uint64_t{0}
                                                  : std::uint64_t{readings.edges} * kWholeBps / readings.nodes;
        sample.fusion_pays = readings.hot && output >= parameters.field.vyre_driver.fusion_output_bytes;
        return sample;
    }

    /// A form and which rule gave it.
    struct Raw {
        Form form = Form::None;
        TopologyRule rule{};
    };

    [[nodiscard]] static constexpr std::uint32_t less(std::uint32_t value, std::uint32_t margin) {
        return value > margin ? value - margin : 0;
    }

    [[nodiscard]] static constexpr Raw select(const VyreDriverParameters& rule, const Sample& sample) {
        if (sample.pressure_bps >= rule.memory_red_zone_bps) {
            return {Form::Sparse, TopologyRule::PressureAtThreshold};
        }
        if (sample.fusion_pays &&
            sample.pressure_bps <= less(rule.memory_red_zone_bps, rule.fusion_memory_margin_bps)) {
            return {Form::Fused, TopologyRule::FusionPays};
        }
        if (sample.density_ppm <= rule.warp_sparse_ppm && sample.degree_bps <= rule.warp_sparse_degree_bps) {
            return {Form::WarpSparse, TopologyRule::DensityAtOrBelowWarpSparse};
        }
        if (sample.density_ppm <= rule.sparse_ppm) {
            return {Form::Sparse, TopologyRule::DensityAtOrBelowSparse};
        }
        const bool steep = sample.degree_bps >= rule.dense_degree_bps;
        if (sample.density_ppm >= rule.block_dense_ppm && steep) {
            return {Form::BlockDense, TopologyRule::DensityAtOrAboveBlockDense};
        }
        if (sample.density_ppm >= rule.dense_ppm && steep) {
            return {Form::Dense, TopologyRule::DensityAtOrAboveDense};
        }
        return {Form::Hybrid, TopologyRule::DensityBetween};
    }

    /// The hysteresis that keeps the previous form, or None. Requires: no red zone.
    [[nodiscard]] static constexpr TopologyHold hold(const VyreDriverParameters& rule, const Sample& sample,
                                                     Form raw, Form previous) {
        const std::uint32_t density = sample.density_ppm;
        const std::uint32_t band = rule.density_hysteresis_ppm;
        const bool steep = sample.degree_bps >= rule.dense_degree_bps;
        const auto if_holds = [](bool holds, TopologyHold why) { return holds ? why : TopologyHold::None; };
        switch (previous) {
        case Form::None:
            return TopologyHold::None;
        case Form::WarpSparse:
            return if_holds(
                density <= rule.warp_sparse_ppm + band && sample.degree_bps <= rule.warp_sparse_degree_bps,
                TopologyHold::SparseAboveThreshold);
        case Form::Sparse:
            return if_holds(density <= rule.sparse_ppm + band, TopologyHold::SparseAboveThreshold);
        case Form::Hybrid:
            if (raw == Form::Sparse) {
                return if_holds(density >= less(rule.sparse_ppm, band), TopologyHold::HybridBelowSparse);
            }
            return if_holds((raw == Form::Dense || raw == Form::BlockDense) && density <= rule.dense_ppm + band,
                            TopologyHold::HybridAboveDense);
        case Form::Dense:
            return if_holds(density >= less(rule.dense_ppm, band) && steep, TopologyHold::DenseBelowThreshold);
        case Form::BlockDense:
            return if_holds(density >= less(rule.block_dense_ppm, band) && steep,
                            TopologyHold::DenseBelowThreshold);
        case Form::Fused:
            return if_holds(sample.fusion_pays && sample.pressure_bps <= less(rule.memory_red_zone_bps,
                                                                              rule.memory_hysteresis_bps),
                            TopologyHold::FusedBelowThreshold);
        }
        return TopologyHold::None;
    }

    [[nodiscard]] static constexpr DispatchTopology topology_of(Form form, bool pressed) {
        using enum DispatchTopology;
        switch (form) {
        case Form::BlockDense:
        case Form::Dense:
            return DenseFrontier;
        case Form::Hybrid:
            return HybridFrontier;
        case Form::Fused:
            return FusedDense;
        default:
            return pressed ? MemoryConstrained : SparseFrontier;
        }
    }

    /// An empty queue leaves no trace: the source does not know one.
    [[nodiscard]] static constexpr Chosen choose(const LaunchPolicyParameters& parameters,
                                                 const Observation& observation,
                                                 const reference::EffectiveSignals& signals,
                                                 const PolicyState& state) {
        if (signals.topology.queue_len == 0) {
            return {kEmpty.choice, state};
        }
        const VyreDriverParameters& rule = parameters.field.vyre_driver;
        const Sample sample = take_sample(parameters, observation.request, signals);
        const Memory memory = unpack(state);
        const Raw raw = select(rule, sample);
        Memory next{raw.form, false};
        TopologyHold why = TopologyHold::None;
        if (sample.pressure_bps >= rule.memory_red_zone_bps) {
            next.pressed = true;
        } else if ((memory.form == Form::Sparse || memory.form == Form::WarpSparse) &&
                   sample.pressure_bps >= less(rule.memory_red_zone_bps, rule.memory_hysteresis_bps)) {
            next = {Form::Sparse, memory.pressed};
            why = memory.pressed             ? TopologyHold::MemoryNotYetRelieved
                  : raw.form == Form::Sparse ? TopologyHold::None
                                             : TopologyHold::SparseAboveThreshold;
        } else {
            why = hold(rule, sample, raw.form, memory.form);
            if (why != TopologyHold::None) {
                next.form = memory.form;
            }
            if (next.form == raw.form) {
                why = TopologyHold::None;
            }
        }
        return {{topology_of(next.form, next.pressed), raw.rule, why}, pack(next)};
    }
};

}  // namespace megabed::field
