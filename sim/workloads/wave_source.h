#pragma once

#include "policy/policy.h"
#include "policy/units.h"
#include "sim/engine/checkpoint.h"
#include "sim/graphs/graph.h"
#include "sim/scenario.h"
#include "sim/traversals/traversal.h"

#include <cstdint>
#include <memory>

namespace megabed {

/// A workload made of waves, without time or cost: which frontier comes next, and what expanding it takes.
/// Frontiers do not depend on how earlier ones were expanded, so that a search may look at every topology.
class WaveSource {
public:
    WaveSource() = default;
    WaveSource(const WaveSource&) = delete;
    WaveSource& operator=(const WaveSource&) = delete;
    virtual ~WaveSource() = default;

    [[nodiscard]] virtual bool done() const = 0;
    /// Fills the fields of the request that speak of the frontier.
    virtual void observe(Observation& observation) const = 0;
    /// Whether `observe` fills the whole request.
    [[nodiscard]] virtual bool prescribes_requests() const { return false; }
    [[nodiscard]] virtual Bytes resident() const = 0;
    [[nodiscard]] virtual std::uint32_t vertices() const = 0;  ///< that the current wave roams over
    /// The work of the current wave.
    [[nodiscard]] virtual WaveWork preview(Direction direction) const = 0;
    /// Expands the current wave and goes to the next.
    virtual WaveWork advance(Direction direction) = 0;
    [[nodiscard]] virtual std::uint64_t levels() const = 0;
    /// Digest of what the waves computed; 0 where they compute nothing.
    [[nodiscard]] virtual std::uint64_t result_digest() const { return 0; }

    virtual void save(CheckpointWriter& writer) const = 0;
    virtual void load(CheckpointReader& reader) = 0;
};

/// Requires: graph and scenario outlive the source, here and below.
[[nodiscard]] std::unique_ptr<WaveSource> make_traversal_waves(const Scenario& scenario, const CsrGraph& graph,
                                                               unsigned threads = 1);
[[nodiscard]] std::unique_ptr<WaveSource> make_synthetic_waves(const Scenario& scenario);
[[nodiscard]] std::unique_ptr<WaveSource> make_request_waves(const Scenario& scenario);

/// The source of a scenario whose workload is made of waves, or null. `graph` may be null where none is needed.
[[nodiscard]] std::unique_ptr<WaveSource> make_wave_source(const Scenario& scenario, const CsrGraph* graph,
                                                           unsigned threads = 1);

/// The waves of one launch: a fused launch takes up to `fuse_waves_max`, any other one.
[[nodiscard]] constexpr std::uint32_t waves_of_launch(DispatchTopology topology, std::uint32_t fuse_waves_max) {
    return topology == DispatchTopology::FusedDense ? fuse_waves_max : 1;
}

}  // namespace megabed
