// A plain persistent kernel: a cooperative launch whose blocks go through all levels, a grid-wide barrier after
// each, and decide by GAP's rule, every block alike from the same counts. Time is between two CUDA events.
#include "bench/gpu/baselines/baseline_search.h"
#include "bench/gpu/baselines/gap_direction.h"
#include "bench/gpu/baselines/search_steps.cuh"
#include "bench/gpu/baselines/search_storage.h"
#include "gpu/memory/cuda_check.h"

#include <cooperative_groups.h>
#include <cuda_runtime.h>
#include <utility>

namespace megabed::baselines {
namespace {

/// Few large blocks: the barrier takes the longer the more blocks there are.
constexpr std::uint32_t kLanes = 1024;
#if defined(__CUDA_ARCH__) && (__CUDA_ARCH__ == 800 || __CUDA_ARCH__ == 900 || __CUDA_ARCH__ == 1000)
constexpr int kBlocksOfProcessor = 2;  // of those that hold 2,048 threads
#else
constexpr int kBlocksOfProcessor = 1;
#endif

__global__ void __launch_bounds__(kLanes, kBlocksOfProcessor)
    search_all_levels(SearchArrays arrays, Wave wave) {
    // Shared, since registers are few with two blocks a multiprocessor. Thread 0 decides for the block.
    __shared__ GapDirection direction;
    __shared__ bool pulls;
    const auto grid = cooperative_groups::this_grid();
    if (threadIdx.x == 0) {
        direction = GapDirection(arrays.vertices, arrays.arcs);
    }
    bool queue_filled = true;
    while (gpu::tally_vertices(wave.frontier) != 0) {
        const SharedTally& counts = arrays.next[wave.depth % 3];
        if (threadIdx.x == 0) {
            pulls = direction.pulls(gpu::tally_vertices(wave.frontier), gpu::tally_arcs(wave.frontier));
        }
        __syncthreads();
        if (pulls) {
            pull<kLanes>(arrays, wave);
            grid.sync();
            wave.pulled(counts.tally);
            queue_filled = false;
        } else {
            if (!queue_filled) {
                queue_of_bitmaps(arrays, wave);
                grid.sync();
            }
            push(arrays, wave);
            grid.sync();
            wave.pushed(counts.tally);
            queue_filled = true;
        }
    }
    if (grid.thread_rank() == 0) {
        *arrays.waves_done = wave.depth;
    }
}

class Persistent final : public BaselineSearch {
public:
    explicit Persistent(SearchStorage storage) : storage_(std::move(storage)) {}

    [[nodiscard]] Loaded<void> open() {
        const auto blocks = resident_blocks(kernel(), kLanes);
        if (!blocks) {
            return Refusal(blocks.error());
        }
        blocks_ = *blocks;
        return {};
    }

    [[nodiscard]] Loaded<void> run(Vertex root) override {
        const auto begun = storage_.begin(root);
        if (!begun) {
            return Refusal(begun.error());
        }
        SearchArrays arrays = storage_.arrays();
        Wave wave = *begun;
        void* arguments[] = {&arrays, &wave};
        if (const auto started = storage_.start_clock(); !started) {
            return started;
        }
        const auto launched =
            cuda_check(cudaLaunchCooperativeKernel(kernel(), blocks_, kLanes, arguments, 0, storage_.stream()),
                       "cudaLaunchCooperativeKernel");
        if (!launched) {
            return launched;
        }
        const auto took = storage_.stop_clock();
        const auto waves = storage_.waves_done();
        if (!took || !waves) {
            return Refusal(took ? waves.error() : took.error());
        }
        seconds_ = *took;
        waves_ = *waves;
        return {};
    }

    [[nodiscard]] double seconds() const override { return seconds_; }
    [[nodiscard]] std::string_view clock() const override { return "CUDA events"; }
    [[nodiscard]] std::uint32_t waves() const override { return waves_; }
    [[nodiscard]] Loaded<std::vector<std::uint32_t>> levels() override { return storage_.levels(); }

private:
    [[nodiscard]] static const void* kernel() { return reinterpret_cast<const void*>(&search_all_levels); }

    SearchStorage storage_;
    std::uint32_t blocks_ = 0;
    double seconds_ = 0;
    std::uint32_t waves_ = 0;
};

}  // namespace

Loaded<std::unique_ptr<BaselineSearch>> persistent_search(const CsrGraph& graph) {
    auto storage = SearchStorage::make(graph);
    if (!storage) {
        return Refusal(storage.error());
    }
    auto search = std::make_unique<Persistent>(*std::move(storage));
    if (const auto opened = search->open(); !opened) {
        return Refusal(opened.error());
    }
    return search;
}

}  // namespace megabed::baselines
