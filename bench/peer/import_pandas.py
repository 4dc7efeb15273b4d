#!/usr/bin/env python3
"""What the plain recipe does with a song table: read it with pandas, scale the 13 features to 0 to 1
with scikit-learn, write the table as parquet and the vectors as a FAISS index. Prints seconds."""
import sys
import time

import faiss
import numpy
import pandas
import sklearn.preprocessing

FEATURES = ["danceability", "energy", "key", "loudness", "mode", "speechiness", "acousticness",
            "instrumentalness", "liveness", "valence", "tempo", "duration_ms", "time_signature"]


def main():
    table, folder, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    faiss.omp_set_num_threads(threads)
    begun, begun_cpu = time.perf_counter(), time.process_time()
    songs = pandas.read_csv(table)
    read = time.perf_counter()
    scaled = sklearn.preprocessing.MinMaxScaler().fit_transform(songs[FEATURES])
    vectors = numpy.ascontiguousarray(scaled, dtype=numpy.float32)
    faiss.normalize_L2(vectors)
    done_scaling = time.perf_counter()
    songs.to_parquet(folder + "/songs.parquet")
    done_table = time.perf_counter()
    index = faiss.IndexFlatIP(len(FEATURES))
    index.add(vectors)
    faiss.write_index(index, folder + "/songs.faiss")
    done = time.perf_counter()
    cpu = time.process_time() - begun_cpu
    print(f"{done - begun:.3f} s ({cpu:.2f} of processor): read {read - begun:.3f}, "
          f"scale {done_scaling - read:.3f}, parquet {done_table - done_scaling:.3f}, "
          f"faiss {done - done_table:.3f}")


if __name__ == "__main__":
    main()
