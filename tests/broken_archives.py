"""Copies of a published checkpoint, each damaged in one way: broken_archives.py CHECKPOINT FOLDER."""
import os, struct, sys, zipfile
source, folder = sys.argv[1:]
archive = zipfile.ZipFile(source)
names = archive.namelist()
data = {name: archive.read(name) for name in names}
pickled = next(name for name in names if name.endswith("data.pkl"))
root = pickled[: -len("data.pkl")]

# numbers of the tensors' storages, in the order of the archive
storages = {"nodes_bias": 0, "nodes_time_const": 1, "edges_sign": 2, "edges_syn_count": 3}
def storage(name):
    return f"{root}data/{storages[name]}"

def write(case, change):
    changed = dict(data)
    change(changed)
    os.makedirs(f"{folder}/{case}/0000")
    with zipfile.ZipFile(f"{folder}/{case}/0000/best_chkpt", "w", zipfile.ZIP_STORED) as file:
        for name, content in changed.items():
            file.writestr(name, content)

def put(name, index, number):
    def change(files):
        path = storage(name)
        content = bytearray(files[path])
        struct.pack_into("<f", content, 4 * index, number)
        files[path] = bytes(content)
    return change

write("whole", lambda files: None)
write("no_torch", lambda files: files.pop(pickled))
write("nan", put("nodes_bias", 3, float("nan")))
write("signs", put("edges_sign", 7, -struct.unpack_from("<f", data[storage("edges_sign")], 28)[0]))
write("counts", put("edges_syn_count", 9, 5.0))
write("short", lambda files: files.update({storage("nodes_bias"): data[storage("nodes_bias")][:-4]}))
write("runs", lambda files: files.update({pickled: b"\x80\x02cos\nsystem\nX\x0e\x00\x00\x00touch ./hackedq\x00\x85R."}))
write("type", lambda files: files.update({pickled: data[pickled].replace(b"FloatStorage", b"HalfStorage", 1)}))
write("shape", lambda files: files.update({pickled: data[pickled].replace(b"K\x00KA\x85", b"K\x00K@\x85", 1)}))
write("huge", lambda files: files.update({pickled: data[pickled].replace(b"K\x00KA\x85", b"K\x00J\xff\xff\xff\x7f\x85", 1)}))
