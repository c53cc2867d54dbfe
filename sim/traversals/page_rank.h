#pragma once

#include "sim/traversals/wave_traversal.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace megabed {

/// PageRank by propagating residuals, not normalised: rank(v) = (1 - damping) + damping * sum rank(u) /
/// degree(u). A vertex whose residual is above the tolerance adds it to its rank and hands the damped residual
/// on to its neighbours in equal shares, which count from the next wave on. In fixed point: fixed_point_rank.h.
/// Source: Berkhin, "Bookmark-coloring algorithm for personalized PageRank computing", Internet Math. 3, 2006.
class PageRank final : public WaveTraversal {
public:
    /// Requires: damping_bps below 10000; the graph outlives the object.
    PageRank(const CsrGraph& graph, std::uint32_t damping_bps, std::uint32_t tolerance_ppm,
             std::uint64_t heavy_degree, WaveThreads threads = {});

    /// The rank of every vertex in units of 2^-32; residuals that were not handed on are left out.
    [[nodiscard]] std::span<const std::uint64_t> values() const { return ranks_; }
    /// Ranks, residuals, what arrives, shares, two queues, two bitmaps.
    [[nodiscard]] std::uint64_t state_bytes() const override;
    [[nodiscard]] std::uint64_t result_digest() const override { return digest_of_values(values()); }

private:
    void work_out(Direction direction) const override;
    [[nodiscard]] std::uint32_t count_next() const override;
    void commit() override;
    void forget() const override;
    void save_values(CheckpointWriter& writer) const override;
    void load_values(CheckpointReader& reader) override;

    void scatter_shares() const;
    void gather_shares() const;
    template <class IsActive>
    void gather_shares_of(const IsActive& is_active) const;
    [[nodiscard]] std::uint64_t share(Vertex vertex, std::uint64_t degree) const;

    std::uint32_t damping_bps_;
    std::uint64_t threshold_;
    std::vector<std::uint64_t> ranks_;
    std::vector<std::uint64_t> residuals_;
    /// 0 everywhere between waves.
    struct Scratch {
        std::vector<std::uint64_t> arrived;  ///< by vertex: the sum of the shares it is handed
        std::vector<std::uint64_t> shares;   ///< by vertex: what each of its neighbours gets; pull only
    };
    std::unique_ptr<Scratch> scratch_;
};

}  // namespace megabed
