// libmegabed_mpi.so: the one part that is linked with MPI, loaded where mpirun started the process.
#include "bench/study/message_link.h"

#define OMPI_SKIP_MPICXX 1  // the C interface alone
#include <mpi.h>

#include <limits>
#include <stdexcept>

namespace megabed {
namespace {

constexpr int kTag = 1;

class MpiLink final : public MessageLink {
public:
    MpiLink() {
        int provided = 0;
        (void)MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
        (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
        (void)MPI_Comm_size(MPI_COMM_WORLD, &size_);
        MPI_Comm here = MPI_COMM_NULL;
        (void)MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &here);
        (void)MPI_Comm_size(here, &size_here_);
        (void)MPI_Comm_free(&here);
    }
    ~MpiLink() override { (void)MPI_Finalize(); }

    [[nodiscard]] int rank() const override { return rank_; }
    [[nodiscard]] int size() const override { return size_; }
    [[nodiscard]] int size_on_this_machine() const override { return size_here_; }

    void send(int to, const std::string& bytes) override {
        if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
            throw std::length_error("a message of more than 2 GiB");
        }
        (void)MPI_Send(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, to, kTag, MPI_COMM_WORLD);
    }

    [[nodiscard]] std::optional<Message> poll() override {
        int there = 0;
        MPI_Status status{};
        (void)MPI_Iprobe(MPI_ANY_SOURCE, kTag, MPI_COMM_WORLD, &there, &status);
        if (there == 0) {
            return std::nullopt;
        }
        int length = 0;
        (void)MPI_Get_count(&status, MPI_BYTE, &length);
        Message message{status.MPI_SOURCE, std::string(static_cast<std::size_t>(length), '\0')};
        (void)MPI_Recv(message.bytes.data(), length, MPI_BYTE, message.from, kTag, MPI_COMM_WORLD,
                       MPI_STATUS_IGNORE);
        return message;
    }

private:
    int rank_ = 0;
    int size_ = 1;
    int size_here_ = 1;
};

}  // namespace
}  // namespace megabed

extern "C" megabed::MessageLink* megabed_make_mpi_link() {
    return new megabed::MpiLink();  // NOLINT(cppcoreguidelines-owning-memory): the caller owns it
}
