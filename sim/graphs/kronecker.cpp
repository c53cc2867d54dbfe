#include "sim/graphs/kronecker.h"

#include "sim/engine/counter_random.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <thread>
#include <vector>

namespace megabed {
namespace {

/// A bijection on the low `bits` bits, for relabelling without a table.
class LabelPermutation {
public:
    LabelPermutation(std::uint32_t bits, std::uint64_t seed)
        : mask_((std::uint64_t{1} << bits) - 1), shift_((bits + 1) / 2) {
        CounterRandom random(seed, kStream);
        for (auto& round : rounds_) {
            round = {random.next() | 1, random.next()};
        }
    }

    [[nodiscard]] Vertex operator()(std::uint64_t label) const {
        for (const Round& round : rounds_) {
            label = (label * round.factor + round.offset) & mask_;
            label ^= label >> shift_;
        }
        return static_cast<Vertex>(label);
    }

private:
    struct Round {
        std::uint64_t factor = 1;
        std::uint64_t offset = 0;
    };
    static constexpr std::uint64_t kStream = ~std::uint64_t{0};

    std::uint64_t mask_;
    std::uint32_t shift_;
    std::array<Round, 3> rounds_{};
};

std::uint64_t as_threshold(double probability) {
    constexpr double kOne = 4294967296.0;
    return static_cast<std::uint64_t>(std::clamp(probability, 0.0, 1.0) * kOne);
}

/// Upper bounds of the first three quadrants on a 32-bit draw.
struct Quadrants {
    std::uint64_t a;
    std::uint64_t ab;
    std::uint64_t abc;
};

Edge descend(CounterRandom random, std::uint32_t scale, const Quadrants& quadrants,
             const LabelPermutation& permute) {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    std::uint64_t word = 0;
    for (std::uint32_t level = 0; level < scale; ++level) {
        word = level % 2 == 0 ? random.next() : word >> 32;
        const std::uint64_t draw = static_cast<std::uint32_t>(word);
        const std::uint64_t lower_half = draw >= quadrants.ab ? 1 : 0;
        const std::uint64_t right_half =
            static_cast<std::uint64_t>(draw >= quadrants.a) - lower_half + (draw >= quadrants.abc ? 1U : 0U);
        from = from << 1 | lower_half;
        to = to << 1 | right_half;
    }
    return {permute(from), permute(to)};
}

/// Calls `work(n)` for every n below `count`, each once, on several threads. Standard threads rather than a
/// scheduler library: ThreadSanitizer sees through them.
template <class Work>
void for_each_in_parallel(std::uint64_t count, unsigned threads, const Work& work) {
    std::atomic<std::uint64_t> next = 0;
    const auto take_until_done = [&] {
        for (std::uint64_t taken = next++; taken < count; taken = next++) {
            work(taken);
        }
    };
    const std::uint64_t wanted = threads == 0 ? std::max(std::thread::hardware_concurrency(), 1U) : threads;
    std::vector<std::jthread> helpers;
    for (std::uint64_t helper = 1; helper < std::min(wanted, count); ++helper) {
        helpers.emplace_back(take_until_done);
    }
    take_until_done();
}

}  // namespace

EdgeList generate_kronecker(const KroneckerParameters& parameters, unsigned threads) {
    assert(parameters.scale >= 1 && parameters.scale <= 31);
    const std::uint64_t edges = std::uint64_t{parameters.edge_factor} << parameters.scale;
    const Quadrants quadrants{as_threshold(parameters.a), as_threshold(parameters.a + parameters.b),
                              as_threshold(parameters.a + parameters.b + parameters.c)};
    const LabelPermutation permute(parameters.scale, parameters.seed);

    const std::uint64_t blocks = (edges + EdgeList::kBlockEdges - 1) / EdgeList::kBlockEdges;
    std::vector<std::vector<Edge>> filled(blocks);
    for_each_in_parallel(blocks, threads, [&](std::uint64_t block) {
        const std::uint64_t first = block * EdgeList::kBlockEdges;
        const std::uint64_t last = std::min(first + EdgeList::kBlockEdges, edges);
        filled[block].resize(last - first);
        for (std::uint64_t edge = first; edge < last; ++edge) {
            filled[block][edge - first] =
                descend(CounterRandom(parameters.seed, edge), parameters.scale, quadrants, permute);
        }
    });

    EdgeList list;
    for (auto& block : filled) {
        list.append_block(std::move(block));
    }
    return list;
}

}  // namespace megabed
