// The pending-event set against binary and 4-ary heaps: one item is one event popped and one pushed, with the
// random increment (SplitMix64 words through Boost's ziggurat for exponential ones) and a trivial handler in
// the time. `order` is a hash of what was popped: equal numbers in a family say that all did the same work.
#include "sim/engine/counter_random.h"
#include "sim/engine/event_queue.h"

#include <benchmark/benchmark.h>
#include <boost/heap/d_ary_heap.hpp>
#include <boost/random/exponential_distribution.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <queue>
#include <vector>

namespace megabed {
namespace {

/// As large as the simulator's own events.
struct Ticket {
    std::uint32_t kind = 0;
    std::uint32_t subject = 0;
};

struct HeapEvent {
    std::int64_t time;
    std::uint64_t sequence;
    Ticket payload;
    std::uint32_t slot;
};
struct Later {
    bool operator()(const HeapEvent& left, const HeapEvent& right) const {
        return left.time != right.time ? left.time > right.time : left.sequence > right.sequence;
    }
};
using BinaryHeap = std::priority_queue<HeapEvent, std::vector<HeapEvent>, Later>;
using FourAryHeap = boost::heap::d_ary_heap<HeapEvent, boost::heap::arity<4>, boost::heap::compare<Later>>;

/// What a heap needs to be an event queue; `cancel` marks the event, which is dropped when its time comes.
template <class Heap>
class HeapQueue {
public:
    struct Event {
        SimTime time{};
        std::uint64_t sequence = 0;
        Ticket payload{};
    };

    std::uint64_t push(SimTime time, Ticket payload) {
        heap_.push(HeapEvent{time.value(), next_sequence_, payload, 0});
        return next_sequence_++;
    }
    Event pop() {
        const HeapEvent top = heap_.top();
        heap_.pop();
        return {SimTime(top.time), top.sequence, top.payload};
    }
    [[nodiscard]] bool empty() const { return heap_.empty(); }
    [[nodiscard]] std::size_t size() const { return heap_.size(); }

private:
    Heap heap_;
    std::uint64_t next_sequence_ = 0;
};

/// The same with cancellation: each event has a slot, in which its sequence number stands while it is pending.
template <class Heap>
class CancellableHeapQueue {
public:
    using Event = typename HeapQueue<Heap>::Event;

    EventHandle push(SimTime time, Ticket payload) {
        if (free_.empty()) {
            free_.push_back(static_cast<std::uint32_t>(pending_.size()));
            pending_.push_back(kNone);
        }
        const std::uint32_t slot = free_.back();
        free_.pop_back();
        pending_[slot] = next_sequence_;
        heap_.push(HeapEvent{time.value(), next_sequence_, payload, slot});
        return {next_sequence_++, slot};
    }
    bool cancel(EventHandle handle) {
        if (pending_[handle.slot] != handle.sequence) {
            return false;
        }
        pending_[handle.slot] = kNone;
        return true;
    }
    Event pop() {
        while (true) {
            const HeapEvent top = heap_.top();
            heap_.pop();
            free_.push_back(top.slot);
            if (std::exchange(pending_[top.slot], kNone) == top.sequence) {
                return {SimTime(top.time), top.sequence, top.payload};
            }
        }
    }

private:
    static constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();
    Heap heap_;
    std::vector<std::uint64_t> pending_;
    std::vector<std::uint32_t> free_;
    std::uint64_t next_sequence_ = 0;
};

using Ours = EventQueue<Ticket>;
using Binary = HeapQueue<BinaryHeap>;
using FourAry = HeapQueue<FourAryHeap>;
using CancellableBinary = CancellableHeapQueue<BinaryHeap>;
using CancellableFourAry = CancellableHeapQueue<FourAryHeap>;

/// SplitMix64 as a random engine for Boost's distributions.
class Words {
public:
    using result_type = std::uint64_t;
    explicit Words(std::uint64_t seed) : random_(seed, 0) {}
    static constexpr result_type min() { return 0; }
    static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
    result_type operator()() { return random_.next(); }
    /// Uniform in [0, 1).
    double unit() { return static_cast<double>(random_.next() >> 11) * 0x1p-53; }

private:
    CounterRandom random_;
};

constexpr double kMean = 1e6;  // ns

// Increments, in ns, each with the mean `kMean` (outliers: without the outliers).
struct Exponential {
    boost::random::exponential_distribution<double> distribution{1 / kMean};
    double operator()(Words& words) { return distribution(words); }
};
struct Uniform {
    double operator()(Words& words) const { return 2 * kMean * words.unit(); }
};
struct Triangular {
    double operator()(Words& words) const { return 1.5 * kMean * std::sqrt(words.unit()); }
};
struct Constant {
    double operator()(Words& /*words*/) const { return kMean; }
};
/// Nine of ten are short, the tenth is a hundred times as long.
struct Bimodal {
    double operator()(Words& words) const {
        const double unit = words.unit();
        constexpr double kShort = kMean / 5.45;
        return unit < 0.9 ? kShort * unit : 50 * kShort * (unit + 0.05);
    }
};
/// Times on a coarse grid: many events share each.
struct Bursty {
    double operator()(Words& words) const { return std::floor(words.unit() * 8) * (kMean / 4); }
};
/// One of a hundred lies a billion times as far away.
struct Outliers {
    boost::random::exponential_distribution<double> distribution{1 / kMean};
    double operator()(Words& words) {
        const double increment = distribution(words);
        return words() % 100 == 0 ? increment * 1e9 : increment;
    }
};

/// No width of a cell suits all of these.
struct AllScales {
    double operator()(Words& words) const { return std::exp2(30 * words.unit()); }
};
/// Bunches of events within a hundred nanoseconds, a second apart.
struct Clusters {
    double operator()(Words& words) const { return words() % 500 == 0 ? 1e9 : 100 * words.unit(); }
};
/// Time stands still.
struct Zero {
    double operator()(Words& /*words*/) const { return 0; }
};

/// A hash of the order of events that costs a few instructions an event.
class OrderHash {
public:
    template <class Event>
    void add(const Event& event) {
        value_ = (value_ ^ static_cast<std::uint64_t>(event.time.value()) ^ event.sequence << 40) *
                 0x9E37'79B9'7F4A'7C15;
        subjects_ += event.payload.subject;
    }
    /// Small enough to be exact as a counter.
    [[nodiscard]] double value() const { return static_cast<double>(scatter(value_ + subjects_) >> 32); }

private:
    std::uint64_t value_ = 0;
    std::uint64_t subjects_ = 0;
};

template <class Increment>
SimTime after(SimTime now, Increment& increment, Words& words) {
    return now + SimTime(static_cast<std::int64_t>(increment(words)));
}

template <class Queue, class Increment>
void fill(Queue& queue, std::size_t count, SimTime now, Increment& increment, Words& words) {
    for (std::size_t at = 0; at < count; ++at) {
        queue.push(after(now, increment, words), {0, static_cast<std::uint32_t>(at)});
    }
}

/// The hold model: an event is popped, and what it causes is pushed. Apart from the benchmark and not inlined,
/// so that count_instructions.sh can find it.
template <class Queue, class Increment>
[[gnu::noinline]] void hold_events(Queue& queue, Increment& increment, Words& words, OrderHash& order,
                                   std::size_t count) {
    for (std::size_t at = 0; at < count; ++at) {
        auto event = queue.pop();
        order.add(event);
        event.payload.kind ^= 1;
        queue.push(after(event.time, increment, words), event.payload);
    }
}

/// Events before the clock starts: to the steady state.
std::size_t warm_up(std::size_t pending) { return 3 * pending + 100'000; }

template <class Queue, class Increment>
void hold(benchmark::State& state) {
    constexpr std::size_t kBatch = 1000;
    const auto pending = static_cast<std::size_t>(state.range(0));
    Words words(1);
    Increment increment;
    Queue queue;
    OrderHash order;
    fill(queue, pending, SimTime(0), increment, words);
    hold_events(queue, increment, words, order, warm_up(pending));
    // Here, as the number of timed events varies.
    state.counters["order"] = order.value();
    for (auto _ : state) {
        hold_events(queue, increment, words, order, kBatch);
    }
    benchmark::DoNotOptimize(order.value());
    const auto timed = state.iterations() * static_cast<std::int64_t>(kBatch);
    state.counters["held"] = static_cast<double>(timed) + static_cast<double>(warm_up(pending));
    state.SetItemsProcessed(timed);
}

/// Fills a queue and drains it; one item is one event pushed and popped.
template <class Queue, class Increment>
void drain(benchmark::State& state) {
    const auto pending = static_cast<std::size_t>(state.range(0));
    OrderHash order;
    for (auto _ : state) {
        order = OrderHash();
        Words words(1);
        Increment increment;
        Queue queue;
        fill(queue, pending, SimTime(0), increment, words);
        for (std::size_t at = 0; at < pending; ++at) {
            order.add(queue.pop());
        }
    }
    state.counters["order"] = order.value();
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

/// The hold model in which every event brings a time-out along that is cancelled when the event comes: half of
/// all events are cancelled before their time. One item is an event popped, two pushed and one cancelled.
template <class Queue, class Increment>
void cancel(benchmark::State& state) {
    constexpr std::int64_t kBatch = 1000;
    const auto pending = static_cast<std::size_t>(state.range(0));
    Words words(1);
    Increment increment;
    Queue queue;
    OrderHash order;
    std::vector<EventHandle> time_outs(pending);
    std::uint64_t expired = 0;
    const auto begin = [&](SimTime now, std::uint32_t subject) {
        const SimTime due = after(now, increment, words);
        queue.push(due, {0, subject});
        time_outs[subject] = queue.push(due + SimTime(static_cast<std::int64_t>(kMean)), {1, subject});
    };
    for (std::size_t at = 0; at < pending; ++at) {
        begin(SimTime(0), static_cast<std::uint32_t>(at));
    }
    const auto step = [&] {
        const auto event = queue.pop();
        order.add(event);
        expired += event.payload.kind;
        if (!queue.cancel(time_outs[event.payload.subject])) {
            ++expired;
        }
        begin(event.time, event.payload.subject);
    };
    for (std::size_t at = 0; at < warm_up(pending); ++at) {
        step();
    }
    state.counters["order"] = order.value();
    for (auto _ : state) {
        for (std::int64_t at = 0; at < kBatch; ++at) {
            step();
        }
    }
    if (expired != 0) {
        state.SkipWithError("a cancelled event came, or one could not be cancelled");
    }
    state.SetItemsProcessed(state.iterations() * kBatch);
}

#define MEGABED_COMPARE(family, increment, ...)                 \
    BENCHMARK_TEMPLATE(family, Ours, increment)->__VA_ARGS__;   \
    BENCHMARK_TEMPLATE(family, Binary, increment)->__VA_ARGS__; \
    BENCHMARK_TEMPLATE(family, FourAry, increment)->__VA_ARGS__

MEGABED_COMPARE(hold, Exponential, Arg(10)->Arg(100)->Arg(10'000)->Arg(1'000'000));
MEGABED_COMPARE(hold, Uniform, Arg(100)->Arg(10'000)->Arg(1'000'000));
MEGABED_COMPARE(hold, Triangular, Arg(100)->Arg(10'000)->Arg(1'000'000));
MEGABED_COMPARE(hold, Constant, Arg(100)->Arg(10'000)->Arg(1'000'000));
MEGABED_COMPARE(hold, Bimodal, Arg(100)->Arg(10'000)->Arg(1'000'000));
MEGABED_COMPARE(hold, Bursty, Arg(100)->Arg(10'000)->Arg(1'000'000));
MEGABED_COMPARE(hold, Outliers, Arg(100)->Arg(10'000)->Arg(1'000'000));
MEGABED_COMPARE(hold, AllScales, Arg(100)->Arg(10'000)->Arg(1'000'000));
MEGABED_COMPARE(hold, Clusters, Arg(100)->Arg(10'000)->Arg(1'000'000));
MEGABED_COMPARE(hold, Zero, Arg(100)->Arg(10'000)->Arg(1'000'000));
MEGABED_COMPARE(drain, Exponential, Arg(100)->Arg(10'000)->Arg(1'000'000));
MEGABED_COMPARE(drain, Bursty, Arg(100)->Arg(10'000)->Arg(1'000'000));
BENCHMARK_TEMPLATE(cancel, Ours, Exponential)->Arg(100)->Arg(10'000)->Arg(1'000'000);
BENCHMARK_TEMPLATE(cancel, CancellableBinary, Exponential)->Arg(100)->Arg(10'000)->Arg(1'000'000);
BENCHMARK_TEMPLATE(cancel, CancellableFourAry, Exponential)->Arg(100)->Arg(10'000)->Arg(1'000'000);

}  // namespace
}  // namespace megabed
