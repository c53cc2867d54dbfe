#pragma once

#include "bench/study/run_outcome.h"

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

namespace megabed {

/// From a worker process of a study to the first, which writes the database.
struct WorkerMessage {
    std::string identity;  ///< in the first message: what has to be the same in all processes
    std::string error;     ///< in the first message: why this process cannot take part
    std::vector<RunOutcome> outcomes{};
    std::uint64_t wants = 0;  ///< runs to be sent
    bool finished = false;    ///< nothing follows

    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        archive& identity& error& outcomes& wants& finished;
    }
};

/// The answer to one that wants runs.
struct RootMessage {
    std::vector<std::uint64_t> ids{};
    bool finish = false;  ///< no more will come

    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        archive& ids& finish;
    }
};

/// Between machines of one kind: the archive is binary.
template <class Message>
[[nodiscard]] std::string packed(const Message& message) {
    std::ostringstream stream;
    boost::archive::binary_oarchive archive(stream);
    archive << message;
    return std::move(stream).str();
}

template <class Message>
[[nodiscard]] Message unpacked(const std::string& bytes) {
    std::istringstream stream(bytes);
    boost::archive::binary_iarchive archive(stream);
    Message message;
    archive >> message;
    return message;
}

}  // namespace megabed
