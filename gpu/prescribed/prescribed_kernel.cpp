#include "gpu/prescribed/prescribed_kernel.h"

#include "gpu/megakernel/resident_launch.h"
#include "gpu/memory/cuda_check.h"
#include "gpu/prescribed/prescribed_entries.h"
#include "gpu/prescribed/prescribed_table.h"

#include <fmt/format.h>
#include <algorithm>
#include <atomic>
#include <span>
#include <utility>

namespace megabed::gpu {
namespace {

template <class Word>
[[nodiscard]] Word load(Word& word) {
    return std::atomic_ref<Word>(word).load(std::memory_order_acquire);
}
template <class Word>
void store(Word& word, Word value) {
    std::atomic_ref<Word>(word).store(value, std::memory_order_release);
}

class ResidentWaves final : public PrescribedKernel {
public:
    ResidentWaves(const Scenario& scenario, const PrescribedKernelOptions& options, DevicePool pool)
        : table_(scenario, options.table_max), pool_(std::move(pool)) {
        RunArguments& run = arguments_.run;
        run.inputs.parameters = scenario.parameters;
        run.policy = options.policy;
        run.host_decides = options.host_decides;
        run.own_bytes = table_.own_bytes().value();
        run.co_tenants = !scenario.memory.co_tenants.empty();
        run.notes_max = options.notes_max;
        run.fuse_waves_max = table_.fuse_waves_max();
        run.deadline_ns = static_cast<std::uint64_t>(options.deadline.value());
        run.stuck_block = options.stuck_block;
        run.stuck_wave = options.stuck_wave;
        arguments_.graph = prescribed_graph(scenario);
        arguments_.order = Shuffle(arguments_.graph.vertices);
        arguments_.seed = scenario.seed;
        arguments_.tokens = table_.tokens();
        arguments_.budget = scenario.memory.budget;
        arguments_.fault = options.fault;
        arguments_.fault_wave = options.fault_wave;
    }
    ~ResidentWaves() override { end_kernel(); }

    [[nodiscard]] Loaded<void> open() {
        const auto blocks = cooperative_blocks(prescribed_kernel(), kBlockLanes);
        if (!blocks) {
            return Refusal(blocks.error());
        }
        arguments_.run.resident_blocks = *blocks;
        if (const auto opened = bell_.open(); !opened) {
            return opened;
        }
        if (const auto opened = stream_.open(); !opened) {
            return opened;
        }
        arguments_.bell = bell_.device();
        if (const auto taken = allocate(); !taken) {
            return taken;
        }
        launch_write_graph(arguments_, stream_.get());
        return stream_.wait();
    }

    [[nodiscard]] Loaded<StopReason> run() override {
        notes_.clear();
        if (const auto started = start(); !started) {
            return Refusal(started.error());
        }
        const auto reason = finish();
        if (!reason) {
            return reason;
        }
        notes_.resize(ended_.notes);
        if (const auto got = note_buffer_.download(notes_); !got) {
            return Refusal(got.error());
        }
        in_nanoseconds();
        return reason;
    }

    [[nodiscard]] Loaded<StopReason> await_question() override {
        while (true) {
            if (!running_) {
                if (table_.done()) {
                    return StopReason::Done;
                }
                question_ = load(bell_.host().asked) + 1;
                if (const auto started = start(); !started) {
                    return Refusal(started.error());
                }
            }
            if (const auto asked = await_bell(); !asked) {
                return Refusal(asked.error());
            }
            if (bell_.host().stop == StopReason::None) {
                return StopReason::None;
            }
            if (const auto reason = finish(); !reason || *reason != StopReason::RecordsFull) {
                return reason;
            }
        }
    }

    [[nodiscard]] Loaded<PrescribedNote> answer(const LaunchRecommendation& recommendation) override {
        PrescribedBell& bell = bell_.host();
        bell.answer = recommendation;
        store(bell.answered, question_);
        ++question_;
        if (const auto next = await_question(); !next) {
            return Refusal(next.error());
        }
        return bell.finished;
    }

    [[nodiscard]] Loaded<void> skip() override {
        if (!running_) {
            ++state_.wave;
            ++state_.at;
            return {};
        }
        // What the kernel passes over, it passes over for an empty answer.
        const auto skipped = answer(LaunchRecommendation{});
        return skipped ? Loaded<void>() : Refusal(skipped.error());
    }

    [[nodiscard]] const std::vector<PrescribedNote>& notes() const override { return notes_; }
    [[nodiscard]] std::uint64_t result() const override { return state_.result; }
    [[nodiscard]] std::uint64_t own_bytes() const override { return arguments_.run.own_bytes; }
    [[nodiscard]] std::uint64_t resident_bytes() const override { return state_.resident_bytes; }
    [[nodiscard]] DevicePool& pool() override { return pool_; }
    void set_co_tenant_bytes(std::uint64_t bytes) override { store(bell_.host().co_tenant_bytes, bytes); }

private:
    [[nodiscard]] Loaded<void> allocate() {
        const std::size_t vertices = arguments_.graph.vertices;
        const std::size_t words = arguments_.tokens ? 0 : div_ceil<std::size_t>(vertices, kWarpLanes);
        const auto take = [&](auto& into, std::size_t count, std::string_view name) -> Loaded<void> {
            using Value = std::remove_reference_t<decltype(*into.data())>;
            auto buffer = pool_.template buffer<Value>(count, name);
            if (!buffer) {
                return Refusal(buffer.error());
            }
            into = *std::move(buffer);
            return {};
        };
        const std::size_t notes = arguments_.run.host_decides ? 0 : arguments_.run.notes_max;
        for (const auto& taken :
             {take(run_control_, 1, "the kernel's control words"),
              take(control_, 1, "the kernel's control words"), take(note_buffer_, notes, "launch notes"),
              take(entries_, table_.entries_max(), "the table of waves"),
              take(column_, vertices * arguments_.graph.degree, "arcs of the graph"),
              take(weight_, vertices, "weights"), take(touched_, vertices, "hits of vertices"),
              take(queue_, vertices, "the frontier queue"), take(in_frontier_, words, "a bitmap"),
              take(output_, vertices, "the output queue")}) {
            if (!taken) {
                return taken;
            }
        }
        arguments_.run.control = run_control_.data();
        arguments_.control = control_.data();
        arguments_.notes = note_buffer_.data();
        arguments_.entries = entries_.data();
        arguments_.arrays = {column_.data(), weight_.data(),      touched_.data(),
                             queue_.data(),  in_frontier_.data(), output_.data()};
        return touched_.fill_bytes(std::byte{0});
    }

    /// Gives the kernel the waves that come next and starts it.
    [[nodiscard]] Loaded<void> start() {
        const std::span<const PrescribedEntry> entries = table_.from(state_.wave);
        arguments_.entry_count = static_cast<std::uint32_t>(entries.size());
        arguments_.last_entries = table_.holds_the_last();
        PrescribedControl control;
        control.saved = state_;
        control.saved.at = 0;
        control.saved.noted = 0;
        const RunControl run_control{};
        for (const auto& put : {entries_.upload(entries), control_.upload(std::span(&control, 1)),
                                run_control_.upload(std::span(&run_control, 1))}) {
            if (!put) {
                return put;
            }
        }
        bell_.host().stop = StopReason::None;
        bell_.host().end = false;
        const auto launched =
            stream_.launch(prescribed_kernel(), arguments_.run.resident_blocks, kBlockLanes, &arguments_);
        running_ = launched.has_value();
        return launched;
    }

    /// Waits for the kernel's end and fetches where it stopped.
    [[nodiscard]] Loaded<StopReason> finish() {
        running_ = false;
        if (const auto waited = stream_.wait(); !waited) {
            return Refusal(waited.error());
        }
        if (const auto got = control_.download(std::span(&ended_, 1)); !got) {
            return Refusal(got.error());
        }
        state_ = ended_.saved;
        if (ended_.stop == StopReason::Failed) {
            RunControl control;
            if (const auto got = run_control_.download(std::span(&control, 1)); !got) {
                return Refusal(got.error());
            }
            const RunFailure& failure = control.failure;
            return cuda_refusal(
                "the resident kernel",
                fmt::format("block {} waited longer than {} ns in wave {}: {} of {} arrivals", failure.block,
                            arguments_.run.deadline_ns, failure.wave, failure.arrived, failure.expected),
                "a block that is stuck, or a longer deadline");
        }
        return ended_.stop;
    }

    /// Waits for the question, or the end. A kernel that cannot start any more, or has failed, asks nothing.
    [[nodiscard]] Loaded<void> await_bell() {
        PrescribedBell& bell = bell_.host();
        for (std::uint32_t round = 1; load(bell.asked) != question_; ++round) {
            constexpr std::uint32_t kLookEvery = 1 << 14;
            if (round % kLookEvery != 0) {
                continue;
            }
            const auto ended = stream_.ended();
            if (ended && load(bell.asked) != question_) {
                running_ = false;
                return *ended ? cuda_refusal("the resident kernel", "ended without a word", "")
                              : Loaded<void>(Refusal(ended->error()));
            }
        }
        return {};
    }

    /// Turns the cycles of the notes into nanoseconds.
    void in_nanoseconds() {
        const ClockMark& begun = ended_.begun;
        const ClockMark& ended = ended_.ended;
        const double scale = static_cast<double>(ended.nanoseconds - begun.nanoseconds) /
                             static_cast<double>(std::max<std::uint64_t>(ended.cycles - begun.cycles, 1));
        const auto scaled = [&](std::uint64_t cycles) {
            return static_cast<std::uint64_t>(static_cast<double>(cycles) * scale);
        };
        for (PrescribedNote& note : notes_) {
            note.start_ns = begun.nanoseconds + scaled(note.start_ns - begun.cycles);
            note.end_ns = begun.nanoseconds + scaled(note.end_ns - begun.cycles);
            note.making_ns = scaled(note.making_ns);
        }
    }

    /// A kernel that waits for an answer gets one that ends it.
    void end_kernel() {
        if (!running_) {
            return;
        }
        bell_.host().end = true;
        store(bell_.host().answered, question_);
        (void)stream_.wait();
        running_ = false;
    }

    PrescribedTable table_;
    DevicePool pool_;
    PrescribedArguments arguments_{};
    MappedValue<PrescribedBell> bell_;
    ResidentStream stream_;
    DeviceBuffer<RunControl> run_control_;
    DeviceBuffer<PrescribedControl> control_;
    DeviceBuffer<PrescribedNote> note_buffer_;
    DeviceBuffer<PrescribedEntry> entries_;
    DeviceBuffer<Vertex> column_;
    DeviceBuffer<std::uint32_t> weight_;
    DeviceBuffer<std::uint32_t> touched_;
    DeviceBuffer<Vertex> queue_;
    DeviceBuffer<std::uint32_t> in_frontier_;
    DeviceBuffer<Vertex> output_;
    PrescribedState state_{};    ///< where the last kernel stopped
    PrescribedControl ended_{};  ///< of the last kernel
    std::vector<PrescribedNote> notes_;
    std::uint32_t question_ = 0;
    bool running_ = false;
};

}  // namespace

Loaded<std::unique_ptr<PrescribedKernel>> PrescribedKernel::make(const Scenario& scenario,
                                                                 const PrescribedKernelOptions& options) {
    auto pool = DevicePool::on_device(scenario.memory.budget);
    if (!pool) {
        return Refusal(pool.error());
    }
    auto kernel = std::make_unique<ResidentWaves>(scenario, options, *std::move(pool));
    if (const auto opened = kernel->open(); !opened) {
        return Refusal(opened.error());
    }
    return kernel;
}

}  // namespace megabed::gpu
