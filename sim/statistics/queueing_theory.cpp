#include "sim/statistics/queueing_theory.h"

#include <algorithm>
#include <cassert>

namespace megabed {
namespace {

/// The other means from the queue's by Little's law, where nobody is lost.
QueueMeans from_queue_length(double arrivals, double service_mean, std::uint32_t servers, double in_queue) {
    QueueMeans means;
    means.throughput = arrivals;
    means.utilisation = arrivals * service_mean / servers;
    means.in_queue = in_queue;
    means.in_system = in_queue + arrivals * service_mean;
    means.time_in_queue = in_queue / arrivals;
    means.time_in_system = means.time_in_queue + service_mean;
    return means;
}

/// The means of a birth-and-death process over 0..states-1 in the system, with the birth rates given and deaths
/// at `service` for each busy server.
template <class BirthRate>
QueueMeans birth_and_death(std::uint32_t states, BirthRate birth, double service, std::uint32_t servers) {
    double weight = 1;  // of the state, relative to the empty system
    double total = 1;
    double waiting = 0;
    double busy = 0;
    for (std::uint32_t state = 1; state < states; ++state) {
        const std::uint32_t serving = std::min(state, servers);
        weight *= birth(state - 1) / (serving * service);
        total += weight;
        waiting += weight * (state - serving);
        busy += weight * serving;
        // Weights of a heavily loaded system grow without bound; only their ratios matter.
        constexpr double kLarge = 1e100;
        if (weight > kLarge) {
            for (double* const sum : {&weight, &total, &waiting, &busy}) {
                *sum /= kLarge;
            }
        }
    }
    QueueMeans means;
    means.blocking = weight / total;
    means.utilisation = busy / total / servers;
    means.in_queue = waiting / total;
    means.in_system = (waiting + busy) / total;
    means.throughput = busy / total * service;
    means.time_in_system = means.in_system / means.throughput;
    means.time_in_queue = means.in_queue / means.throughput;
    return means;
}

}  // namespace

double erlang_b(double load, std::uint32_t servers) {
    assert(load > 0);
    double lost = 1;
    for (std::uint32_t server = 1; server <= servers; ++server) {
        lost = load * lost / (server + load * lost);
    }
    return lost;
}

double erlang_c(double load, std::uint32_t servers) {
    assert(load > 0 && load < servers);
    const double lost = erlang_b(load, servers);
    const double utilisation = load / servers;
    return lost / (1 - utilisation * (1 - lost));
}

QueueMeans queue_m_m_1(double arrivals, double service) {
    assert(arrivals > 0 && arrivals < service);
    const double utilisation = arrivals / service;
    return from_queue_length(arrivals, 1 / service, 1, utilisation * utilisation / (1 - utilisation));
}

QueueMeans queue_m_m_c(double arrivals, double service, std::uint32_t servers) {
    const double load = arrivals / service;
    const double utilisation = load / servers;
    return from_queue_length(arrivals, 1 / service, servers,
                             erlang_c(load, servers) * utilisation / (1 - utilisation));
}

QueueMeans queue_m_g_1(double arrivals, double service_mean, double service_variance) {
    const double utilisation = arrivals * service_mean;
    assert(utilisation > 0 && utilisation < 1 && service_variance >= 0);
    const double second_moment = service_variance + service_mean * service_mean;
    return from_queue_length(arrivals, service_mean, 1,
                             arrivals * arrivals * second_moment / (2 * (1 - utilisation)));
}

QueueMeans queue_m_d_1(double arrivals, double service) { return queue_m_g_1(arrivals, 1 / service, 0); }

QueueMeans queue_m_m_c_k(double arrivals, double service, std::uint32_t servers, std::uint32_t places) {
    assert(arrivals > 0 && service > 0 && servers >= 1 && places >= servers);
    return birth_and_death(
        places + 1, [arrivals](std::uint32_t) { return arrivals; }, service, servers);
}

QueueMeans queue_m_m_1_k(double arrivals, double service, std::uint32_t places) {
    return queue_m_m_c_k(arrivals, service, 1, places);
}

QueueMeans queue_closed(std::uint32_t clients, double think, double service, std::uint32_t servers) {
    assert(clients >= 1 && think > 0 && service > 0 && servers >= 1);
    QueueMeans means = birth_and_death(
        clients + 1, [think, clients](std::uint32_t state) { return think * (clients - state); }, service,
        servers);
    means.blocking = 0;
    return means;
}

}  // namespace megabed
