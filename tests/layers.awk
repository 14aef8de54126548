# Holds sources to tests/layers.txt (read first) and to the rules on MPI, HDF5, OpenMP and vector
# code. Arguments: layers.txt, then files by their path from the project's root (src/..., or
# include/ommatid/...). Prints a line per violation; exit status 1 if there were any.

function fault(rule) {
    print FILENAME ":" FNR ": " rule
    faults++
}

# Adds to reach[folder, ...] what `other` and all below it name.
function climb(folder, other,    names, i, n) {
    if (reach[folder, other]) return
    reach[folder, other] = 1
    n = split(allowed[other], names, " ")
    for (i = 1; i <= n; i++) climb(folder, names[i])
}

function close_layers(    folder) {
    for (folder in allowed) {
        climb(folder, folder)
        reach[folder, "base"] = 1
    }
    closed = 1
}

# "src/model/kernels/x.c" is in folder "model", "include/ommatid/om_eye.h" in that of its module.
function folder_of(path,    parts, name) {
    split(path, parts, "/")
    if (parts[1] == "src") return parts[2]
    name = parts[3]
    if (name == "ommatid.h") return "cli"
    sub(/^om_/, "", name)
    sub(/\.h$/, "", name)
    return name in owner ? owner[name] : "?"
}

function check_own(target,    other) {
    if (target ~ /^ommatid\//) other = folder_of("include/" target)
    else if (public) return fault("a public header may include public headers only: \"" target "\"")
    else if (target !~ /\//) return fault("write the folder too: \"" folder "/" target "\"")
    else other = folder_of("src/" target)
    if (other == "?") return fault("om_... header in no folder of tests/layers.txt: " target)
    if (!(other in allowed)) return fault("folder in no row of tests/layers.txt: " other)
    if (target ~ /^model\/kernels\// && folder !~ /^(model|train|bench)$/)
        return fault("kernels are called by src/model, src/train and src/bench only: \"" target "\"")
    if (allowed[folder] != "*" && !reach[folder, other])
        fault(folder " may not include " other ": \"" target "\"")
}

function check_system(target) {
    if (target ~ /^mpi\.h$/ && folder != "parallel" && folder != "store")
        fault("<" target "> belongs to src/parallel and src/store")
    if (target ~ /^(hdf5|H5)/ && folder != "store") fault("<" target "> belongs to src/store")
    if (target ~ /(intrin|arm_neon|arm_sve)\.h$/ && !kernel)
        fault("<" target "> belongs to src/model/kernels")
}

FNR == 1 && FILENAME !~ /layers\.txt$/ {
    if (!closed) close_layers()
    public = FILENAME ~ /^include\//
    kernel = FILENAME ~ /^src\/model\/kernels\//
    folder = folder_of(FILENAME)
    if (!(folder in allowed)) fault("in no row of tests/layers.txt")
}

FILENAME ~ /layers\.txt$/ {
    if (/^#/) next
    n = split($0, columns, "|")
    if (n != 3) fault("expected three columns")
    gsub(/ /, "", columns[1])
    allowed[columns[1]] = columns[2]
    if (columns[2] ~ /\*/) allowed[columns[1]] = "*"
    n = split(columns[3], headers, " ")
    for (i = 1; i <= n; i++) owner[headers[i]] = columns[1]
    next
}

/^[ \t]*#[ \t]*include[ \t]*"/ { split($0, quoted, "\""); check_own(quoted[2]) }
/^[ \t]*#[ \t]*include[ \t]*</ { split($0, quoted, /[<>]/); check_system(quoted[2]) }
/^[ \t]*#[ \t]*pragma[ \t]+omp/ || /_Pragma\("omp/ {
    if (public || folder !~ /^(model|scenes|train)$/)
        fault("OpenMP belongs to src/model, src/scenes and src/train")
}
/vector_size|ext_vector_type|__builtin_ia32/ && !kernel {
    fault("vector code belongs to src/model/kernels")
}

END { exit faults > 0 }
