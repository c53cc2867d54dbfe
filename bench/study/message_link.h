#pragma once

#include "sim/input_error.h"

#include <memory>
#include <optional>
#include <string>

namespace megabed {

/// Messages between the processes of one `mpirun`. One thread of a process uses it.
class MessageLink {
public:
    struct Message {
        int from = 0;
        std::string bytes;
    };

    MessageLink() = default;
    MessageLink(const MessageLink&) = delete;
    MessageLink& operator=(const MessageLink&) = delete;
    virtual ~MessageLink() = default;  ///< waits for the others

    [[nodiscard]] virtual int rank() const = 0;
    [[nodiscard]] virtual int size() const = 0;
    [[nodiscard]] virtual int size_on_this_machine() const = 0;
    virtual void send(int to, const std::string& bytes) = 0;
    /// A message that has come, from whomever; does not wait.
    [[nodiscard]] virtual std::optional<Message> poll() = 0;
};

/// The link of a process that mpirun started; null for one that it did not. The MPI library is only loaded
/// then. Errors: this build has no MPI (Unavailable).
[[nodiscard]] Loaded<std::unique_ptr<MessageLink>> open_message_link();

}  // namespace megabed
