#include "sim/statistics/queueing_theory.h"

#include "sim/engine/counter_random.h"
#include "sim/statistics/confidence.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <limits>
#include <vector>

namespace megabed {
namespace {

constexpr double kClose = 1e-12;

void expect_same(const QueueMeans& left, const QueueMeans& right, double tolerance = 1e-9) {
    EXPECT_NEAR(left.utilisation, right.utilisation, tolerance);
    EXPECT_NEAR(left.in_system, right.in_system, tolerance);
    EXPECT_NEAR(left.in_queue, right.in_queue, tolerance);
    EXPECT_NEAR(left.time_in_system, right.time_in_system, tolerance);
    EXPECT_NEAR(left.time_in_queue, right.time_in_queue, tolerance);
    EXPECT_NEAR(left.blocking, right.blocking, tolerance);
    EXPECT_NEAR(left.throughput, right.throughput, tolerance);
}

TEST(QueueingTheory, One_server_of_the_textbook) {
    const QueueMeans means = queue_m_m_1(2, 3);
    EXPECT_NEAR(means.utilisation, 2.0 / 3, kClose);
    EXPECT_NEAR(means.in_system, 2, kClose);
    EXPECT_NEAR(means.in_queue, 4.0 / 3, kClose);
    EXPECT_NEAR(means.time_in_system, 1, kClose);
    EXPECT_NEAR(means.time_in_queue, 2.0 / 3, kClose);
    EXPECT_EQ(means.blocking, 0);
}

TEST(QueueingTheory, Three_servers_of_the_textbook) {
    // The eye clinic of Gross and Harris: 6 patients an hour, three doctors, 20 minutes each.
    const QueueMeans means = queue_m_m_c(6, 3, 3);
    EXPECT_NEAR(means.in_queue, 8.0 / 9, kClose);
    EXPECT_NEAR(means.in_system, 26.0 / 9, kClose);
    EXPECT_NEAR(means.time_in_queue * 60, 8.89, 0.005);
    EXPECT_NEAR(means.time_in_system * 60, 28.89, 0.005);
    EXPECT_NEAR(erlang_c(2, 3), 4.0 / 9, kClose);
    EXPECT_NEAR(erlang_b(2, 3), 4.0 / 19, kClose);
    EXPECT_NEAR(erlang_b(10, 10), 0.2146, 5e-5);
}

TEST(QueueingTheory, A_constant_service_halves_the_queue) {
    EXPECT_NEAR(queue_m_d_1(1, 2).in_queue, 0.25, kClose);
    EXPECT_NEAR(queue_m_d_1(1.8, 2).in_queue, queue_m_m_1(1.8, 2).in_queue / 2, kClose);
    // Uniform from 0 to twice the mean: variance is a third of the squared mean.
    EXPECT_NEAR(queue_m_g_1(1, 0.5, 0.25 / 3).in_queue, 1.0 / 3, kClose);
}

TEST(QueueingTheory, As_much_as_it_serves_fills_every_state_alike) {
    const QueueMeans means = queue_m_m_1_k(5, 5, 4);
    EXPECT_NEAR(means.blocking, 0.2, kClose);
    EXPECT_NEAR(means.in_system, 2, kClose);
    EXPECT_NEAR(means.utilisation, 0.8, kClose);
    EXPECT_NEAR(means.throughput, 4, kClose);
    EXPECT_NEAR(means.time_in_system, 0.5, kClose);
}

TEST(QueueingTheory, Two_clients_of_one_server_by_hand) {
    // Weights 1, 2, 2 of 0, 1 and 2 at the server.
    const QueueMeans means = queue_closed(2, 1, 1, 1);
    EXPECT_NEAR(means.utilisation, 0.8, kClose);
    EXPECT_NEAR(means.in_system, 1.2, kClose);
    EXPECT_NEAR(means.in_queue, 0.4, kClose);
    EXPECT_NEAR(means.throughput, 0.8, kClose);
    EXPECT_NEAR(means.time_in_system, 1.5, kClose);
    EXPECT_EQ(means.blocking, 0);
}

TEST(QueueingTheory, Systems_that_are_the_same_have_the_same_means) {
    for (const double load : {0.1, 0.5, 0.9, 0.99}) {
        expect_same(queue_m_m_c(load, 1, 1), queue_m_m_1(load, 1));
        expect_same(queue_m_g_1(load, 1, 1), queue_m_m_1(load, 1));
        expect_same(queue_m_m_1_k(load, 1, 4000), queue_m_m_1(load, 1));
        expect_same(queue_m_m_c_k(7 * load, 1, 7, 4000), queue_m_m_c(7 * load, 1, 7));
        expect_same(queue_m_m_c_k(load, 1, 1, 9), queue_m_m_1_k(load, 1, 9));
        EXPECT_NEAR(queue_m_m_c_k(7 * load, 1, 7, 7).blocking, erlang_b(7 * load, 7), kClose);
        // Very many clients that think very long are Poisson arrivals.
        constexpr std::uint32_t kClients = 1'000'000;
        if (load < 0.95) {
            expect_same(queue_closed(kClients, load / kClients, 1, 1), queue_m_m_1(load, 1), 0.01);
        }
    }
    // As many servers as clients: nobody waits, and each is busy by itself.
    const QueueMeans alone = queue_closed(12, 3, 1, 12);
    EXPECT_NEAR(alone.in_queue, 0, kClose);
    EXPECT_NEAR(alone.utilisation, 0.75, kClose);
}

TEST(QueueingTheory, A_flooded_system_stays_finite) {
    const QueueMeans means = queue_m_m_c_k(1e6, 1, 2, 100'000);
    EXPECT_NEAR(means.throughput, 2, 1e-6);
    EXPECT_NEAR(means.in_system, 100'000, 1e-3);
    EXPECT_NEAR(means.blocking, 1 - 2e-6, 1e-9);
    const QueueMeans closed = queue_closed(100'000, 1e6, 1, 2);
    EXPECT_NEAR(closed.throughput, 2, 1e-6);
}

/// A queue as an event loop that knows none of the formulas: `clients` of 0 is an open system.
struct SmallSystem {
    double arrivals = 1;
    std::uint32_t clients = 0;
    std::uint32_t servers = 1;
    std::size_t places = std::numeric_limits<std::size_t>::max();
    std::function<double(double)> service;  ///< of a uniform number in (0, 1]
};

QueueMeans simulate(const SmallSystem& system, std::uint64_t seed, std::size_t services) {
    constexpr double kNever = std::numeric_limits<double>::infinity();
    constexpr std::size_t kWarmUp = 1000;
    CounterRandom random(seed, 7);
    const auto uniform = [&] { return (static_cast<double>(random.next() >> 11) + 1) * 0x1p-53; };
    const auto exponential = [&](double rate) { return -std::log(uniform()) / rate; };
    std::deque<double> waiting;                        // when each came
    std::vector<double> ends(system.servers, kNever);  // of the service at each server
    std::vector<double> came(system.servers, 0);
    std::vector<double> returns(system.clients, 0);  // when each client that thinks comes next
    for (double& next : returns) {
        next = exponential(system.arrivals);
    }
    double next_open = system.clients == 0 ? exponential(system.arrivals) : kNever;
    double now = 0;
    double start = 0;
    double in_system = 0;
    double in_queue = 0;
    double time_in_system = 0;
    std::size_t present = 0;
    std::size_t done = 0;
    std::size_t counted = 0;
    std::size_t asked = 0;
    std::size_t lost = 0;
    while (done < services + kWarmUp) {
        const auto end = std::min_element(ends.begin(), ends.end());
        const auto back = std::min_element(returns.begin(), returns.end());
        const double next_arrival = std::min(next_open, back == returns.end() ? kNever : *back);
        const double next = std::min(*end, next_arrival);
        in_system += (next - now) * static_cast<double>(present);
        in_queue += (next - now) * static_cast<double>(waiting.size());
        now = next;
        if (next_arrival < *end) {
            if (back != returns.end() && *back == now) {
                *back = kNever;
            } else {
                next_open = now + exponential(system.arrivals);
            }
            ++asked;
            if (present < system.places) {
                ++present;
                waiting.push_back(now);
            } else {
                ++lost;
            }
        } else {
            --present;
            ++done;
            const auto server = static_cast<std::size_t>(end - ends.begin());
            *end = kNever;
            time_in_system += now - came[server];
            ++counted;
            if (const auto away = std::find(returns.begin(), returns.end(), kNever); away != returns.end()) {
                *away = now + exponential(system.arrivals);
            }
            if (done == kWarmUp) {
                start = now;
                in_system = in_queue = time_in_system = 0;
                counted = asked = lost = 0;
            }
        }
        for (std::size_t server = 0; server < ends.size() && !waiting.empty(); ++server) {
            if (ends[server] == kNever) {
                came[server] = waiting.front();
                waiting.pop_front();
                ends[server] = now + system.service(uniform());
            }
        }
    }
    QueueMeans means;
    means.in_system = in_system / (now - start);
    means.in_queue = in_queue / (now - start);
    means.utilisation = (means.in_system - means.in_queue) / system.servers;
    means.time_in_system = time_in_system / static_cast<double>(counted);
    means.throughput = static_cast<double>(counted) / (now - start);
    means.blocking = static_cast<double>(lost) / static_cast<double>(asked);
    return means;
}

/// Thirty runs: the truth must lie in the 99.9 % interval of every mean.
void expect_simulated(const SmallSystem& system, const QueueMeans& theory) {
    constexpr std::size_t kServices = 10'000;
    RunningMoments in_system;
    RunningMoments in_queue;
    RunningMoments utilisation;
    RunningMoments time;
    RunningMoments throughput;
    RunningMoments blocking;
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
        const QueueMeans means = simulate(system, seed, kServices);
        in_system.add(means.in_system);
        in_queue.add(means.in_queue);
        utilisation.add(means.utilisation);
        time.add(means.time_in_system);
        throughput.add(means.throughput);
        blocking.add(means.blocking);
    }
    const auto agrees = [](const RunningMoments& moments, double truth, const char* what) {
        const Interval interval = confidence_interval(moments, BasisPoints(9990));
        EXPECT_TRUE(interval.contains(truth))
            << what << ": " << truth << " is not in " << interval.mean << " +- " << interval.half_width;
        EXPECT_LE(interval.half_width, 0.08 * truth + 1e-3) << what << ": the interval says nothing";
    };
    agrees(in_system, theory.in_system, "in system");
    agrees(in_queue, theory.in_queue, "in queue");
    agrees(utilisation, theory.utilisation, "utilisation");
    agrees(time, theory.time_in_system, "time in system");
    agrees(throughput, theory.throughput, "throughput");
    agrees(blocking, theory.blocking, "blocking");
}

const auto kExponential = [](double uniform) { return -std::log(uniform); };

TEST(QueueingTheory, Agrees_with_an_event_loop_for_open_systems) {
    expect_simulated({.arrivals = 0.6, .service = kExponential}, queue_m_m_1(0.6, 1));
    expect_simulated({.arrivals = 2.1, .servers = 3, .service = kExponential}, queue_m_m_c(2.1, 1, 3));
    expect_simulated({.arrivals = 0.7, .service = [](double) { return 1.0; }}, queue_m_d_1(0.7, 1));
    expect_simulated({.arrivals = 0.7, .service = [](double uniform) { return 2 * uniform; }},
                     queue_m_g_1(0.7, 1, 1.0 / 3));
}

TEST(QueueingTheory, Agrees_with_an_event_loop_for_bounded_and_closed_systems) {
    expect_simulated({.arrivals = 1.2, .places = 5, .service = kExponential}, queue_m_m_1_k(1.2, 1, 5));
    expect_simulated({.arrivals = 2.5, .servers = 2, .places = 6, .service = kExponential},
                     queue_m_m_c_k(2.5, 1, 2, 6));
    expect_simulated({.arrivals = 0.25, .clients = 10, .servers = 2, .service = kExponential},
                     queue_closed(10, 0.25, 1, 2));
}

}  // namespace
}  // namespace megabed
