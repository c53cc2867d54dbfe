#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace megabed {

/// A pending event as the buckets see it: its time and where the rest of it lies.
struct QueueEntry {
    std::int64_t time;
    std::uint32_t slot;
};

/// Memory of the streams of one queue: chunks of 63 entries, of which the one freed last (so the one most
/// likely to be in the cache) is handed out first.
///
/// A stream is one pointer, to where its next entry goes; null for an empty one. Chunks are aligned to their
/// size, so that the pointer itself tells when a chunk is full, and each points back at the one before it.
class EntryStreams {
public:
    using Stream = QueueEntry*;

    void append(Stream& stream, QueueEntry entry) {
        if (offset(stream) == 0) {
            stream = begin_chunk(stream);
        }
        *stream++ = entry;
    }

    /// Hands the entries in the order in which they were appended to `take` and leaves the stream empty.
    template <class Take>
    void drain(Stream& stream, Take&& take) {
        const std::size_t deepest = route_.size();
        std::size_t filled = entries_in_last(stream);
        for (Stream end = stream; end != nullptr;) {
            Chunk* chunk = last_chunk(end);
            route_.push_back(chunk);
            end = chunk->before;
        }
        stream = nullptr;
        while (route_.size() > deepest) {
            Chunk* chunk = route_.back();
            route_.pop_back();
            const std::size_t count = route_.size() == deepest ? filled : kEntries;
            for (std::size_t at = 0; at < count; ++at) {
                take(chunk->entries[at]);
            }
            chunk->before = free_;
            free_ = chunk->entries;
        }
    }

    /// Appends the entries of a stream, chunk by chunk from the last on, to `entries`.
    static void copy(Stream stream, std::vector<QueueEntry>& entries) {
        while (stream != nullptr) {
            const Chunk* chunk = last_chunk(stream);
            entries.insert(entries.end(), chunk->entries, chunk->entries + entries_in_last(stream));
            stream = chunk->before;
        }
    }

    /// The entries of a stream of one chunk; none where the stream is longer.
    [[nodiscard]] static std::size_t short_length(Stream stream) {
        return last_chunk(stream)->before == nullptr ? entries_in_last(stream) : 0;
    }
    [[nodiscard]] static const QueueEntry* short_entries(Stream stream) { return last_chunk(stream)->entries; }

private:
    static constexpr std::size_t kChunk = 1024;
    static constexpr std::size_t kEntries = kChunk / sizeof(QueueEntry) - 1;
    static constexpr std::size_t kBlockMin = 8;
    static constexpr std::size_t kBlockMax = 2048;  // 2 MiB, a huge page

    struct alignas(kChunk) Chunk {
        Stream before;  ///< end of the chunk before this one; in a free chunk, the entries of the next free one
        std::uint64_t unused;
        QueueEntry entries[kEntries];
    };
    static_assert(sizeof(QueueEntry) == 16 && sizeof(Chunk) == kChunk);

    /// How far into its chunk the next entry goes; 0 for a full chunk and for none.
    static std::size_t offset(Stream stream) {
        return reinterpret_cast<std::uintptr_t>(stream) % kChunk / sizeof(QueueEntry);
    }
    static std::size_t entries_in_last(Stream stream) {
        return stream == nullptr ? 0 : (offset(stream) + kEntries) % (kEntries + 1);
    }
    static Chunk* last_chunk(Stream stream) {
        return reinterpret_cast<Chunk*>(stream - entries_in_last(stream) - 1);
    }

    [[gnu::noinline]] Stream begin_chunk(Stream before) {
        if (free_ == nullptr) {
            grow();
        }
        Chunk* chunk = reinterpret_cast<Chunk*>(free_ - 1);
        free_ = chunk->before;
        chunk->before = before;
        return chunk->entries;
    }
    void grow() {
        blocks_.push_back(std::make_unique_for_overwrite<Chunk[]>(block_size_));
        for (std::size_t at = block_size_; at-- > 0;) {
            blocks_.back()[at].before = free_;
            free_ = blocks_.back()[at].entries;
        }
        block_size_ = std::min(block_size_ * 2, kBlockMax);
    }

    Stream free_ = nullptr;
    std::size_t block_size_ = kBlockMin;
    std::vector<std::unique_ptr<Chunk[]>> blocks_;
    std::vector<Chunk*> route_;  ///< of a stream being drained; kept for its memory
};

}  // namespace megabed
