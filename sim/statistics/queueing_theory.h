#pragma once

#include <cstdint>

namespace megabed {

/// Long-run means of a queueing system. Times are in the unit of which the rates are the inverse.
struct QueueMeans {
    double utilisation = 0;     ///< share of the time that a server is busy
    double in_system = 0;       ///< L: waiting or being served
    double in_queue = 0;        ///< Lq: waiting
    double time_in_system = 0;  ///< W, of those who are let in
    double time_in_queue = 0;   ///< Wq, likewise
    double blocking = 0;        ///< share of arrivals that find the system full and are lost
    double throughput = 0;      ///< arrivals that are let in, and so departures, a unit of time
};

// Exact for Poisson arrivals; service in order of arrival. Letters as Kendall's: arrivals / service / servers /
// places. Source: Gross, Shortle, Thompson and Harris, Fundamentals of Queueing Theory (4th ed.), chapters 2
// and 5.

/// One server, exponential service. Requires: 0 < arrivals < service.
[[nodiscard]] QueueMeans queue_m_m_1(double arrivals, double service);

/// `servers` servers with one queue. Requires: 0 < arrivals < servers * service; servers >= 1.
[[nodiscard]] QueueMeans queue_m_m_c(double arrivals, double service, std::uint32_t servers);

/// One server, any service law of that mean and variance (Pollaczek and Khinchine).
/// Requires: 0 < arrivals * service_mean < 1; service_variance >= 0.
[[nodiscard]] QueueMeans queue_m_g_1(double arrivals, double service_mean, double service_variance);

/// One server, every service takes 1 / service. Requires: 0 < arrivals < service.
[[nodiscard]] QueueMeans queue_m_d_1(double arrivals, double service);

/// `servers` servers and `places` places, those of the served included; who finds no place is lost. With as
/// many places as servers this is Erlang's loss system. Requires: both rates > 0; 1 <= servers <= places.
[[nodiscard]] QueueMeans queue_m_m_c_k(double arrivals, double service, std::uint32_t servers,
                                       std::uint32_t places);

/// One server and `places` places. Requires: both rates > 0; places >= 1.
[[nodiscard]] QueueMeans queue_m_m_1_k(double arrivals, double service, std::uint32_t places);

/// A closed system (machine repairman, M/M/c//N): each of `clients` thinks for an exponential time of rate
/// `think`, then asks for one service and waits for it. Nobody is lost. Requires: both rates > 0; both counts
/// >= 1.
[[nodiscard]] QueueMeans queue_closed(std::uint32_t clients, double think, double service,
                                      std::uint32_t servers);

/// Erlang B: the share lost by `servers` servers without a queue, for an offered load of arrivals / service.
[[nodiscard]] double erlang_b(double load, std::uint32_t servers);
/// Erlang C: the share that must wait for `servers` servers with a queue. Requires: load < servers.
[[nodiscard]] double erlang_c(double load, std::uint32_t servers);

}  // namespace megabed
