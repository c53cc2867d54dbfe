#include "bench/child_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstddef>

namespace megabed {
namespace {

/// What is done to the descriptors of a child before its program begins.
class ChildFiles {
public:
    ChildFiles() { (void)::posix_spawn_file_actions_init(&actions_); }
    ChildFiles(const ChildFiles&) = delete;
    ChildFiles& operator=(const ChildFiles&) = delete;
    ~ChildFiles() { (void)::posix_spawn_file_actions_destroy(&actions_); }

    void open_nothing(int descriptor, int access) {
        (void)::posix_spawn_file_actions_addopen(&actions_, descriptor, "/dev/null", access, 0);
    }
    void duplicate(int from, int to) { (void)::posix_spawn_file_actions_adddup2(&actions_, from, to); }
    [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

private:
    posix_spawn_file_actions_t actions_{};
};

std::string read_all(int descriptor) {
    std::string text;
    std::array<char, 65'536> block{};
    while (true) {
        const ssize_t count = ::read(descriptor, block.data(), block.size());
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return text;
        }
        text.append(block.data(), static_cast<std::size_t>(count));
    }
}

int status_of(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    constexpr int kSignalled = 128;
    return WIFEXITED(status) ? WEXITSTATUS(status) : kSignalled + WTERMSIG(status);
}

}  // namespace

std::optional<ChildResult> run_child(const std::vector<std::string>& words, ChildOutput output) {
    ChildFiles files;
    files.open_nothing(STDIN_FILENO, O_RDONLY);
    std::array<int, 2> pipe{-1, -1};
    if (output == ChildOutput::Captured) {
        if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
            return std::nullopt;
        }
        files.duplicate(pipe[1], STDOUT_FILENO);
    } else if (output == ChildOutput::Dropped) {
        files.open_nothing(STDOUT_FILENO, O_WRONLY);
        files.open_nothing(STDERR_FILENO, O_WRONLY);
    }
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (const std::string& word : words) {
        arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    pid_t child = 0;
    const int failed =
        ::posix_spawnp(&child, arguments.front(), files.get(), nullptr, arguments.data(), environ);
    if (output == ChildOutput::Captured) {
        (void)::close(pipe[1]);
    }
    std::optional<ChildResult> result;
    if (failed == 0) {
        result.emplace();
        if (output == ChildOutput::Captured) {
            result->output = read_all(pipe[0]);
        }
        result->status = status_of(child);
    }
    if (output == ChildOutput::Captured) {
        (void)::close(pipe[0]);
    }
    return result;
}

}  // namespace megabed
