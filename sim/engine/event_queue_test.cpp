#include "sim/engine/event_queue.h"

#include "sim/engine/counter_random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <queue>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace megabed {
namespace {

constexpr std::int64_t kTimeMax = std::numeric_limits<std::int64_t>::max();

struct Mark {
    std::uint64_t number = 0;

    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        archive& number;
    }
};
using Queue = EventQueue<Mark>;
using Key = std::pair<std::int64_t, std::uint64_t>;

/// The queue beside a sorted map that is obviously right.
class Pair {
public:
    explicit Pair(std::uint64_t seed) : random_(seed, 0) {}

    std::uint64_t below(std::uint64_t limit) { return random_.next() % limit; }
    [[nodiscard]] std::int64_t now() const { return now_; }
    [[nodiscard]] std::size_t size() const { return naive_.size(); }

    /// At `now` plus the increment, or at the end of time.
    void push(std::int64_t increment) {
        const std::int64_t time = now_ > kTimeMax - increment ? kTimeMax : now_ + increment;
        const Key key{time, sequence_++};
        const Mark mark{scatter(key.second)};
        const EventHandle handle = queue_->push(SimTime(time), mark);
        EXPECT_EQ(handle.sequence, key.second);
        naive_.emplace(key, mark.number);
        handles_.emplace_back(handle, key);
    }
    void pop() {
        const auto first = *naive_.begin();
        naive_.erase(naive_.begin());
        if (below(4) == 0) {
            ASSERT_EQ(queue_->next_time().value(), first.first.first);
        }
        const auto event = queue_->pop();
        ASSERT_EQ(event.time.value(), first.first.first);
        ASSERT_EQ(event.sequence, first.first.second);
        ASSERT_EQ(event.payload.number, first.second);
        now_ = first.first.first;
        ASSERT_EQ(queue_->size(), naive_.size());
    }
    /// One of the handles given out of late, so at times one of an event that has gone.
    void cancel_any() {
        if (!handles_.empty()) {
            const std::size_t recent = std::min(handles_.size(), 3 * naive_.size() / 2 + 10);
            const auto& [handle, key] = handles_[handles_.size() - 1 - below(recent)];
            ASSERT_EQ(queue_->cancel(handle), naive_.erase(key) == 1);
            ASSERT_EQ(queue_->size(), naive_.size());
        }
    }
    void peek() { ASSERT_EQ(queue_->next_time().value(), naive_.begin()->first.first); }
    void save_and_load() {
        std::stringstream file;
        {
            CheckpointWriter writer(file);
            writer << std::as_const(*queue_);
        }
        queue_ = std::make_unique<Queue>();
        CheckpointReader reader(file);
        reader >> *queue_;
        ASSERT_EQ(queue_->size(), naive_.size());
    }
    void drain() {
        while (!naive_.empty() && !testing::Test::HasFatalFailure()) {
            pop();
        }
        EXPECT_TRUE(queue_->empty());
    }

private:
    CounterRandom random_;
    std::unique_ptr<Queue> queue_ = std::make_unique<Queue>();
    std::map<Key, std::uint64_t> naive_;
    std::vector<std::pair<EventHandle, Key>> handles_;
    std::uint64_t sequence_ = 0;
    std::int64_t now_ = 0;
};

/// Increments of every kind: none, equal ones, near ones, and any power of two up to 2^62.
std::int64_t any_increment(Pair& pair, std::uint64_t kind) {
    switch (kind) {
    case 0:
        return static_cast<std::int64_t>(pair.below(3));
    case 1:
        return static_cast<std::int64_t>(pair.below(1000));
    case 2:
        return 5000;
    case 3:
        return static_cast<std::int64_t>(pair.below(1'000'000'000));
    default:
        return static_cast<std::int64_t>(pair.below(std::uint64_t{1} << pair.below(45)));
    }
}

void interleave(std::uint64_t seed, std::size_t operations, bool cancels, std::size_t pending_max) {
    Pair pair(seed);
    std::uint64_t kind = 0;
    std::uint64_t growth = 50;
    std::uint64_t cancelled = 0;  // percent of the operations
    for (std::size_t at = 0; at < operations && !testing::Test::HasFatalFailure(); ++at) {
        if (at % 500 == 0) {
            kind = pair.below(6);
            growth = 20 + pair.below(60);
            cancelled = !cancels ? 0 : pair.below(3) == 0 ? 60 : 10;
        }
        if (pair.below(100) < cancelled) {
            pair.cancel_any();
            continue;
        }
        const std::uint64_t choice = pair.below(100);
        if (choice < growth && pair.size() < pending_max) {
            pair.push(any_increment(pair, kind));
        } else if (pair.size() > 0) {
            choice % 8 == 0 ? pair.peek() : pair.pop();
        }
        if (pair.below(20'000) == 0) {
            pair.save_and_load();
        }
    }
    pair.drain();
}

TEST(EventQueue, Random_pushes_pops_cancels_and_reloads_agree_with_a_sorted_map) {
    for (std::uint64_t seed = 0; seed < 60 && !HasFatalFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        interleave(seed, 8000, seed % 2 == 0, seed % 3 == 0 ? 20 : 100'000);
    }
}

TEST(EventQueue, Many_pending_events_agree_with_a_sorted_map) {
    Pair pair(7);
    for (std::size_t round = 0; round < 3 && !HasFatalFailure(); ++round) {
        for (std::size_t at = 0; at < 60'000; ++at) {
            pair.push(any_increment(pair, at % 5 == 0 ? 5 : 3));
        }
        for (std::size_t at = 0; at < 40'000 && !HasFatalFailure(); ++at) {
            pair.pop();
            pair.push(any_increment(pair, 3));
            if (at % 4 == 0) {
                pair.cancel_any();
            }
        }
        pair.save_and_load();
        pair.drain();
    }
}

TEST(EventQueue, Times_up_to_the_end_of_time_come_out_in_order) {
    Pair pair(1);
    pair.push(0);
    pair.push(kTimeMax);
    pair.push(kTimeMax);
    pair.push(kTimeMax - 1);
    for (unsigned bit = 0; bit < 63; ++bit) {
        pair.push(std::int64_t{1} << bit);
        pair.push((std::int64_t{1} << bit) - 1);
    }
    for (std::size_t step = 0; step < 2000 && !HasFatalFailure(); ++step) {
        pair.pop();
        pair.push(static_cast<std::int64_t>(pair.below(std::uint64_t{1} << 62)));
        if (step % 3 == 0) {
            pair.push(static_cast<std::int64_t>(pair.below(3)));
            pair.cancel_any();
        }
    }
    pair.save_and_load();
    pair.drain();
    EXPECT_EQ(pair.now(), kTimeMax);
    pair.push(0);  // there is no later time, but there still are events
    pair.drain();
}

TEST(EventQueue, An_event_may_be_pushed_before_the_one_that_was_looked_at) {
    Queue queue;
    queue.push(SimTime(1'000'000), {1});
    EXPECT_EQ(queue.next_time(), SimTime(1'000'000));
    for (std::int64_t time = 999; time >= 0; --time) {
        queue.push(SimTime(time), {2});
        EXPECT_EQ(queue.next_time(), SimTime(time));
    }
    for (std::int64_t time = 0; time < 1000; ++time) {
        EXPECT_EQ(queue.pop().time, SimTime(time));
    }
    EXPECT_EQ(queue.pop().payload.number, 1U);
}

TEST(EventQueue, An_event_can_be_cancelled_once_and_only_before_it_comes) {
    Queue queue;
    const EventHandle first = queue.push(SimTime(1), {1});
    const EventHandle second = queue.push(SimTime(2), {2});
    const EventHandle third = queue.push(SimTime(3), {3});
    EXPECT_FALSE(queue.cancel(EventHandle()));
    EXPECT_TRUE(queue.cancel(second));
    EXPECT_FALSE(queue.cancel(second));
    EXPECT_EQ(queue.size(), 2U);
    EXPECT_EQ(queue.pop().payload.number, 1U);
    EXPECT_FALSE(queue.cancel(first));
    EXPECT_EQ(queue.next_time(), SimTime(3));
    const EventHandle fourth = queue.push(SimTime(3), {4});
    EXPECT_FALSE(queue.cancel(first));
    EXPECT_FALSE(queue.cancel(second));
    EXPECT_TRUE(queue.cancel(third));
    EXPECT_EQ(queue.pop().payload.number, 4U);
    EXPECT_FALSE(queue.cancel(fourth));
    EXPECT_TRUE(queue.empty());
}

TEST(EventQueue, Cancelled_events_of_a_far_future_do_not_pile_up) {
    Queue queue;
    queue.push(SimTime(kTimeMax), {0});
    std::uint32_t slot_max = 0;
    for (std::uint64_t at = 0; at < 200'000; ++at) {
        const EventHandle handle = queue.push(SimTime(kTimeMax - 1), {at});
        slot_max = std::max(slot_max, handle.slot);
        EXPECT_TRUE(queue.cancel(handle));
    }
    EXPECT_LT(slot_max, 200U);
    EXPECT_EQ(queue.size(), 1U);
    EXPECT_EQ(queue.next_time(), SimTime(kTimeMax));
}

TEST(EventQueue, Handles_stay_valid_in_a_queue_that_was_loaded) {
    Queue queue;
    std::vector<EventHandle> handles;
    for (std::uint64_t at = 0; at < 1000; ++at) {
        handles.push_back(queue.push(SimTime(static_cast<std::int64_t>(scatter(at) % 500)), {at}));
    }
    EXPECT_TRUE(queue.cancel(handles[3]));
    const std::uint64_t popped = queue.pop().sequence;
    std::stringstream file;
    {
        CheckpointWriter writer(file);
        writer << std::as_const(queue) << std::as_const(handles[5]);
    }
    Queue loaded;
    loaded.push(SimTime(77), {77});  // what it held before is gone
    EventHandle fifth;
    CheckpointReader reader(file);
    reader >> loaded >> fifth;
    EXPECT_EQ(fifth, handles[5]);
    EXPECT_EQ(loaded.size(), 998U);
    EXPECT_FALSE(loaded.cancel(handles[3]));
    EXPECT_FALSE(loaded.cancel(handles[popped]));
    for (std::uint64_t at = 0; at < handles.size(); at += 2) {
        EXPECT_EQ(loaded.cancel(handles[at]), queue.cancel(handles[at]));
    }
    EXPECT_EQ(loaded.push(SimTime(600), {9}).sequence, 1000U);
    queue.push(SimTime(600), {9});
    while (!queue.empty()) {
        const auto expected = queue.pop();
        const auto event = loaded.pop();
        ASSERT_EQ(event.time, expected.time);
        ASSERT_EQ(event.sequence, expected.sequence);
        ASSERT_EQ(event.payload.number, expected.payload.number);
    }
    EXPECT_TRUE(loaded.empty());
}

TEST(EventQueue, An_archive_of_something_else_is_refused) {
    std::stringstream file;
    {
        CheckpointWriter writer(file);
        const std::uint64_t next_sequence = 2;
        const SimTime last(50);
        const std::uint64_t slots = 1;
        const std::uint64_t count = 1;
        const std::int64_t time = 49;  // before the event popped last
        const std::uint32_t slot = 0;
        const std::uint64_t word = 0;
        writer << std::as_const(next_sequence) << last << slots << count << time << slot << word << word;
    }
    CheckpointReader reader(file);
    EventQueue<std::uint64_t> queue;
    EXPECT_THROW(queue.load(reader, 0), boost::archive::archive_exception);
}

/// A queue as simple as can be that is fast enough for millions of events.
class NaiveQueue {
public:
    using Event = Queue::Event;
    void push(SimTime time, Mark mark) { events_.push({time, sequence_++, mark}); }
    Event pop() {
        const Event event = events_.top();
        events_.pop();
        return event;
    }

private:
    struct Later {
        bool operator()(const Event& left, const Event& right) const {
            return std::pair(left.time, left.sequence) > std::pair(right.time, right.sequence);
        }
    };
    std::priority_queue<Event, std::vector<Event>, Later> events_;
    std::uint64_t sequence_ = 0;
};

using Increment = std::function<std::int64_t(CounterRandom&)>;

/// The hash of the order in which the hold model pops, with a fill before it and a drain after it.
template <class AnyQueue>
std::uint64_t order_of(std::size_t pending, std::size_t events, const Increment& increment) {
    AnyQueue queue;
    CounterRandom random(pending, 0);
    std::uint64_t hash = 0;
    const auto pop = [&] {
        const auto event = queue.pop();
        hash = scatter(hash ^ static_cast<std::uint64_t>(event.time.value()));
        hash = scatter(hash ^ event.sequence ^ event.payload.number);
        return event;
    };
    for (std::size_t at = 0; at < pending; ++at) {
        queue.push(SimTime(increment(random)), {at});
    }
    for (std::size_t at = 0; at < events; ++at) {
        const auto event = pop();
        queue.push(event.time + SimTime(increment(random)), {event.payload.number + 1});
    }
    for (std::size_t at = 0; at < pending; ++at) {
        pop();
    }
    return hash;
}

double unit(CounterRandom& random) { return static_cast<double>(random.next() >> 11) * 0x1p-53; }

std::vector<std::pair<std::string, Increment>> workloads() {
    const auto whole = [](double value) { return static_cast<std::int64_t>(value); };
    return {
        {"exponential", [=](CounterRandom& random) { return whole(-1e6 * std::log1p(-unit(random))); }},
        {"uniform", [=](CounterRandom& random) { return whole(2e6 * unit(random)); }},
        {"triangular", [=](CounterRandom& random) { return whole(1.5e6 * std::sqrt(unit(random))); }},
        {"constant", [](CounterRandom&) { return 1'000'000; }},
        {"zero", [](CounterRandom&) { return 0; }},
        {"bimodal",
         [=](CounterRandom& random) {
             const double draw = unit(random);
             return whole(draw < 0.9 ? 1e5 * draw : 1e7 * draw);
         }},
        {"bursty",
         [](CounterRandom& random) { return static_cast<std::int64_t>(random.next() % 8 * 1'000'000); }},
        {"dense", [](CounterRandom& random) { return static_cast<std::int64_t>(random.next() % 50); }},
        {"outliers",
         [](CounterRandom& random) {
             const auto near = static_cast<std::int64_t>(random.next() % 1000);
             return random.next() % 100 == 0 ? near << 40 : near;
         }},
        {"all scales",
         [](CounterRandom& random) {
             return static_cast<std::int64_t>(random.next() % (std::uint64_t{1} << random.next() % 40));
         }},
        {"clusters",
         [](CounterRandom& random) {
             const auto near = static_cast<std::int64_t>(random.next() % 100);
             return random.next() % 500 == 0 ? 1'000'000'000 + near : near;
         }},
    };
}

TEST(EventQueue, Millions_of_events_come_in_the_order_of_a_naive_queue_on_every_workload) {
    for (const auto& [name, increment] : workloads()) {
        for (const auto& [pending, events] :
             {std::pair{1UL, 20'000UL}, {100UL, 100'000UL}, {20'000UL, 150'000UL}}) {
            EXPECT_EQ(order_of<Queue>(pending, events, increment),
                      order_of<NaiveQueue>(pending, events, increment))
                << name << ", " << pending << " pending";
        }
    }
}

}  // namespace
}  // namespace megabed
