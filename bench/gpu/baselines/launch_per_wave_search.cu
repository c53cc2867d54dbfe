// One kernel launch for every wave. The host copies the frontier's counts back after each, decides by GAP's
// rule whether the next one pushes or pulls, and launches it. Time is the host's: it takes part in every wave.
#include "bench/gpu/baselines/baseline_search.h"
#include "bench/gpu/baselines/gap_direction.h"
#include "bench/gpu/baselines/search_steps.cuh"
#include "bench/gpu/baselines/search_storage.h"
#include "gpu/memory/cuda_check.h"

#include <cuda_runtime.h>
#include <algorithm>
#include <chrono>
#include <utility>

namespace megabed::baselines {
namespace {

constexpr std::uint32_t kLanes = 256;

__global__ void __launch_bounds__(kLanes) push_wave(SearchArrays arrays, Wave wave) { push(arrays, wave); }
__global__ void __launch_bounds__(kLanes) pull_wave(SearchArrays arrays, Wave wave) {
    pull<kLanes>(arrays, wave);
}
__global__ void __launch_bounds__(kLanes) unpack_wave(SearchArrays arrays, Wave wave) {
    queue_of_bitmaps(arrays, wave);
}

/// A number that copies from the device reach without a detour.
class PinnedTally {
public:
    [[nodiscard]] Loaded<void> open() {
        return cuda_check(cudaMallocHost(reinterpret_cast<void**>(&value_), sizeof(std::uint64_t)),
                          "cudaMallocHost");
    }
    PinnedTally() = default;
    PinnedTally(const PinnedTally&) = delete;
    PinnedTally& operator=(const PinnedTally&) = delete;
    ~PinnedTally() { (void)cudaFreeHost(value_); }
    [[nodiscard]] std::uint64_t* address() const { return value_; }

private:
    std::uint64_t* value_ = nullptr;
};

class LaunchPerWave final : public BaselineSearch {
public:
    explicit LaunchPerWave(SearchStorage storage) : storage_(std::move(storage)) {}

    [[nodiscard]] Loaded<void> open() {
        const auto pushing = resident_blocks(reinterpret_cast<const void*>(&push_wave), kLanes);
        const auto pulling = resident_blocks(reinterpret_cast<const void*>(&pull_wave), kLanes);
        if (!pushing || !pulling) {
            return Refusal(pushing ? pulling.error() : pushing.error());
        }
        push_blocks_ = *pushing;
        pull_blocks_ = *pulling;
        return counts_.open();
    }

    [[nodiscard]] Loaded<void> run(Vertex root) override {
        const auto begun = storage_.begin(root);
        if (!begun) {
            return Refusal(begun.error());
        }
        const SearchArrays& arrays = storage_.arrays();
        Wave wave = *begun;
        GapDirection direction(arrays.vertices, arrays.arcs);
        bool queue_filled = true;
        const auto start = std::chrono::steady_clock::now();
        while (gpu::tally_vertices(wave.frontier) != 0) {
            const SharedTally* const counts = arrays.next + wave.depth % 3;
            const std::uint32_t arcs = gpu::tally_arcs(wave.frontier);
            const bool pulls = direction.pulls(gpu::tally_vertices(wave.frontier), arcs);
            if (pulls) {
                pull_wave<<<pull_blocks_, kLanes, 0, storage_.stream()>>>(arrays, wave);
            } else {
                if (!queue_filled) {
                    unpack_wave<<<pull_blocks_, kLanes, 0, storage_.stream()>>>(arrays, wave);
                }
                // No more warps than have two arcs a lane.
                const std::uint32_t blocks = std::clamp(arcs / (2 * kLanes) + 1, 1U, push_blocks_);
                push_wave<<<blocks, kLanes, 0, storage_.stream()>>>(arrays, wave);
            }
            queue_filled = !pulls;
            for (const cudaError_t status :
                 {cudaGetLastError(),
                  cudaMemcpyAsync(counts_.address(), &counts->tally, sizeof(std::uint64_t),
                                  cudaMemcpyDeviceToHost, storage_.stream()),
                  cudaStreamSynchronize(storage_.stream())}) {
                if (const auto done = cuda_check(status, "a wave"); !done) {
                    return done;
                }
            }
            if (pulls) {
                wave.pulled(*counts_.address());
            } else {
                wave.pushed(*counts_.address());
            }
        }
        seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        waves_ = wave.depth;
        return {};
    }

    [[nodiscard]] double seconds() const override { return seconds_; }
    [[nodiscard]] std::string_view clock() const override { return "host clock"; }
    [[nodiscard]] std::uint32_t waves() const override { return waves_; }
    [[nodiscard]] Loaded<std::vector<std::uint32_t>> levels() override { return storage_.levels(); }

private:
    SearchStorage storage_;
    PinnedTally counts_;
    std::uint32_t push_blocks_ = 0;
    std::uint32_t pull_blocks_ = 0;
    double seconds_ = 0;
    std::uint32_t waves_ = 0;
};

}  // namespace

Loaded<std::unique_ptr<BaselineSearch>> launch_per_wave_search(const CsrGraph& graph) {
    auto storage = SearchStorage::make(graph);
    if (!storage) {
        return Refusal(storage.error());
    }
    auto search = std::make_unique<LaunchPerWave>(*std::move(storage));
    if (const auto opened = search->open(); !opened) {
        return Refusal(opened.error());
    }
    return search;
}

}  // namespace megabed::baselines
