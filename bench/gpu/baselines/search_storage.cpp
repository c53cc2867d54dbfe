#include "bench/gpu/baselines/search_storage.h"

#include "gpu/device_policy.h"
#include "gpu/memory/cuda_check.h"

#include <cuda_runtime.h>
#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

namespace megabed::baselines {

SearchStorage::StreamClock::~StreamClock() {
    (void)cudaEventDestroy(begin);
    (void)cudaEventDestroy(end);
    (void)cudaStreamDestroy(stream);
    (void)cudaGetLastError();
}

SearchStorage::SearchStorage(const CsrGraph& graph, DevicePool pool)
    : graph_(&graph), pool_(std::move(pool)), clock_(std::make_unique<StreamClock>()) {}

SearchStorage::~SearchStorage() {
    if (clock_ != nullptr) {
        (void)cudaStreamSynchronize(clock_->stream);  // before the buffers go
    }
}

Loaded<SearchStorage> SearchStorage::make(const CsrGraph& graph) {
    if (const auto device = cuda_device_name(); !device) {
        return Refusal(device.error());
    }
    auto pool = DevicePool::on_device(std::nullopt);
    if (!pool) {
        return Refusal(pool.error());
    }
    SearchStorage storage(graph, *std::move(pool));
    if (const auto opened = storage.open(); !opened) {
        return Refusal(opened.error());
    }
    return storage;
}

Loaded<void> SearchStorage::open() {
    for (const auto& made : {cuda_check(cudaStreamCreateWithFlags(&clock_->stream, cudaStreamNonBlocking),
                                        "cudaStreamCreateWithFlags"),
                             cuda_check(cudaEventCreate(&clock_->begin), "cudaEventCreate"),
                             cuda_check(cudaEventCreate(&clock_->end), "cudaEventCreate")}) {
        if (!made) {
            return made;
        }
    }
    auto graph = gpu::DeviceGraph::upload(pool_, *graph_, false);
    if (!graph) {
        return Refusal(graph.error());
    }
    device_graph_ = *std::move(graph);
    const std::size_t vertices = graph_->vertices();
    const std::size_t words = (vertices + 31) / 32;
    const auto take = [&](auto& into, std::size_t count, std::string_view name) -> Loaded<void> {
        using Value = std::remove_reference_t<decltype(*into.data())>;
        auto buffer = pool_.template buffer<Value>(count, name);
        if (!buffer) {
            return Refusal(buffer.error());
        }
        into = *std::move(buffer);
        return {};
    };
    constexpr std::size_t kTallies = 4;
    for (const auto& taken : {take(level_, vertices, "levels"), take(visited_[0], words, "a bitmap"),
                              take(visited_[1], words, "a bitmap"), take(queue_[0], vertices, "a queue"),
                              take(queue_[1], vertices, "a queue"), take(tally_, kTallies, "tallies"),
                              take(waves_, 1, "the count of waves")}) {
        if (!taken) {
            return taken;
        }
    }
    const gpu::GraphView& view = device_graph_.view();
    arrays_ = {view.vertices,
               view.arcs,
               view.row,
               view.column,
               level_.data(),
               {visited_[0].data(), visited_[1].data()},
               {queue_[0].data(), queue_[1].data()},
               tally_.data(),
               tally_.data() + 3,
               waves_.data()};
    return {};
}

Loaded<Wave> SearchStorage::begin(Vertex root) {
    constexpr auto kNone = static_cast<std::byte>(0);
    constexpr auto kOnes = static_cast<std::byte>(0xFF);
    const Vertex place = device_graph_.on_device(root);
    const std::array level{std::uint32_t{0}};
    const std::array word{std::uint32_t{1} << place % 32};
    const std::array entry{QueueEntry{place, 0}};
    if (const auto idle = cuda_check(cudaStreamSynchronize(clock_->stream), "cudaStreamSynchronize"); !idle) {
        return Refusal(idle.error());
    }
    // One after the other: each of these calls has happened on return.
    for (const auto& done :
         {level_.fill_bytes(kOnes), visited_[0].fill_bytes(kNone), visited_[1].fill_bytes(kNone),
          tally_.fill_bytes(kNone), waves_.fill_bytes(kNone), level_.upload(level, place),
          visited_[0].upload(word, place / 32), queue_[0].upload(entry)}) {
        if (!done) {
            return Refusal(done.error());
        }
    }
    Wave wave;
    wave.frontier = gpu::tally(1, static_cast<std::uint32_t>(graph_->degree(root)));
    return wave;
}

Loaded<std::vector<std::uint32_t>> SearchStorage::levels() const {
    std::vector<std::uint32_t> on_device(level_.size());
    if (const auto got = level_.download(on_device); !got) {
        return Refusal(got.error());
    }
    return device_graph_.in_order(on_device);
}

Loaded<std::uint32_t> SearchStorage::waves_done() const {
    std::array<std::uint32_t, 1> waves{};
    if (const auto got = waves_.download(waves); !got) {
        return Refusal(got.error());
    }
    return waves[0];
}

Loaded<void> SearchStorage::start_clock() {
    return cuda_check(cudaEventRecord(clock_->begin, clock_->stream), "cudaEventRecord");
}

Loaded<double> SearchStorage::stop_clock() {
    float milliseconds = 0;
    for (const auto step :
         {+[](StreamClock&clock, float&) { return cudaEventRecord(clock.end, clock.stream); },
          +[](StreamClock&clock, float&) { return cudaStreamSynchronize(clock.stream); },
          +[](StreamClock&clock, float&time) { return cudaEventElapsedTime(&time, clock.begin, clock.end); }}) {
        if (const auto done = cuda_check(step(*clock_, milliseconds), "the search"); !done) {
            return Refusal(done.error());
        }
    }
    return static_cast<double>(milliseconds) / 1000;
}

Loaded<std::uint32_t> resident_blocks(const void* kernel, std::uint32_t lanes) {
    int device = 0;
    int processors = 0;
    int blocks = 0;
    for (const auto& asked :
         {cuda_check(cudaGetDevice(&device), "cudaGetDevice"),
          cuda_check(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device),
                     "cudaDeviceGetAttribute"),
          cuda_check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, static_cast<int>(lanes), 0),
                     "cudaOccupancyMaxActiveBlocksPerMultiprocessor")}) {
        if (!asked) {
            return Refusal(asked.error());
        }
    }
    if (processors * blocks == 0) {
        return cuda_refusal("the card", "cannot hold a block of the kernel", "a card for CUDA 13");
    }
    return static_cast<std::uint32_t>(processors * blocks);
}

}  // namespace megabed::baselines
