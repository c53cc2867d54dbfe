#pragma once

#include "bench/gpu/baselines/search_arrays.h"
#include "gpu/megakernel/device_graph.h"
#include "gpu/memory/device_pool.h"

#include <cstdint>
#include <memory>
#include <vector>

struct CUevent_st;
struct CUstream_st;

namespace megabed::baselines {

/// What every baseline needs around its kernels: graph and arrays on the card, a stream, two events.
class SearchStorage {
public:
    /// Requires: as BaselineSearch. Errors: Unavailable, where there is no card or too little memory.
    [[nodiscard]] static Loaded<SearchStorage> make(const CsrGraph& graph);
    SearchStorage(SearchStorage&&) noexcept = default;
    SearchStorage& operator=(SearchStorage&&) = delete;
    ~SearchStorage();

    /// Clears everything and puts the root into queue, bitmap and levels; done on return.
    /// Errors: what CUDA says.
    [[nodiscard]] Loaded<Wave> begin(Vertex root);
    [[nodiscard]] const SearchArrays& arrays() const { return arrays_; }
    /// Levels in the graph's order. Errors: what CUDA says.
    [[nodiscard]] Loaded<std::vector<std::uint32_t>> levels() const;
    /// What the device counted into `waves_done`. Errors: what CUDA says.
    [[nodiscard]] Loaded<std::uint32_t> waves_done() const;

    [[nodiscard]] CUstream_st* stream() const { return clock_->stream; }
    /// Around what is timed, in the stream.
    [[nodiscard]] Loaded<void> start_clock();
    /// Waits for the stream. Seconds since `start_clock`, by the card's events. Errors: what CUDA says.
    [[nodiscard]] Loaded<double> stop_clock();

private:
    struct StreamClock {
        StreamClock() = default;
        StreamClock(const StreamClock&) = delete;
        StreamClock& operator=(const StreamClock&) = delete;
        ~StreamClock();
        CUstream_st* stream = nullptr;
        CUevent_st* begin = nullptr;
        CUevent_st* end = nullptr;
    };

    SearchStorage(const CsrGraph& graph, DevicePool pool);
    [[nodiscard]] Loaded<void> open();

    const CsrGraph* graph_;
    DevicePool pool_;
    std::unique_ptr<StreamClock> clock_;
    gpu::DeviceGraph device_graph_;
    DeviceBuffer<std::uint32_t> level_;
    DeviceBuffer<std::uint32_t> visited_[2];
    DeviceBuffer<QueueEntry> queue_[2];
    DeviceBuffer<SharedTally> tally_;
    DeviceBuffer<std::uint32_t> waves_;
    SearchArrays arrays_{};
};

/// Blocks of a kernel that the card holds at once. Errors: what CUDA says; a kernel that does not fit.
[[nodiscard]] Loaded<std::uint32_t> resident_blocks(const void* kernel, std::uint32_t lanes);

}  // namespace megabed::baselines
