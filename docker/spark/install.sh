#!/bin/sh
# install.sh VENV: add Java, PySpark and the jars with which it reads and writes S3 to the model's environment. Its inputs
# are beside it: two hashed locks, and jars.txt (sha256 and path in a Maven repository: MAVEN_REPOSITORY, or if that is empty
# the public one, whose address the Ivy that comes with PySpark knows).
set -eu
venv=$1 here=$(dirname "$0")

apt-get update -qq
apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless
rm -rf /var/lib/apt/lists/* /var/cache/apt/*

pip_install() {
  "$venv/bin/python" -m pip install --disable-pip-version-check --no-deps --require-hashes -q --only-binary :all: "$@"
}
pip_install -r "$here/build.txt"
# The archive that PyPI has is checked by its hash, then built with the packages installed above.
pip_install --no-binary pyspark --no-build-isolation --use-pep517 -r "$here/requirements-spark.txt"
spark=$(echo "$venv"/lib/python3.*/site-packages/pyspark)
ln -s "$spark" /opt/spark

# What a standalone cluster does not load: Kubernetes, the shell of Spark Connect, RocksDB (the state of streams), examples.
(cd "$spark/jars" && rm -rf connect-repl kubernetes-* spark-kubernetes_* volcano-* vertx-* zjsonpatch-* rocksdbjni-* \
  netty-*-osx-* netty-*-windows-*)
rm -rf "$spark/examples" "$spark/data"

"$venv/bin/python" - "$here/jars.txt" "$spark/jars" <<'PYTHON'
import hashlib, os, re, sys, urllib.request, zipfile
from pathlib import Path

repository = os.environ.get("MAVEN_REPOSITORY")
if not repository:
    (ivy,) = Path(sys.argv[2]).glob("ivy-*.jar")
    with zipfile.ZipFile(ivy) as archive:
        resolver = archive.read("org/apache/ivy/plugins/resolver/IBiblioResolver.class")
    repository = re.search(rb"https://[a-z0-9.]+/maven2", resolver)[0].decode()
for line in Path(sys.argv[1]).read_text(encoding="ascii").splitlines():
    if not line or line.startswith("#"):
        continue
    expected, path = line.split()
    with urllib.request.urlopen(f"{repository.rstrip('/')}/{path}", timeout=120) as answer:
        jar = answer.read()
    found = hashlib.sha256(jar).hexdigest()
    if found != expected:
        sys.exit(f"{path}: its sha256 is {found}, and jars.txt says {expected}")
    (Path(sys.argv[2]) / path.rsplit("/", 1)[1]).write_bytes(jar)
PYTHON

# Native code that the jars carry and would write into /tmp, from which nothing can be executed in the containers.
"$venv/bin/python" - "$spark/jars" /opt/spark-native <<'PYTHON'
import platform, sys, zipfile
from pathlib import Path

machine = platform.machine()
short = {"x86_64": "amd64"}.get(machine, machine)
netty = {"aarch64": "aarch_64"}.get(machine, machine)
members = {
    "snappy-java-*.jar": f"org/xerial/snappy/native/Linux/{machine}/libsnappyjava.so",
    "zstd-jni-*.jar": f"linux/{short}/libzstd-jni-*.so",
    "lz4-java-*.jar": f"net/jpountz/util/linux/{short}/liblz4-java.so",
    f"netty-transport-native-epoll-*-linux-{netty}.jar": "META-INF/native/libnetty_transport_native_epoll_*.so",
}
target = Path(sys.argv[2])
target.mkdir()
for pattern, member in members.items():
    (jar,) = Path(sys.argv[1]).glob(pattern)
    with zipfile.ZipFile(jar) as archive:
        (found,) = [name for name in archive.namelist() if Path(name).match(member)]
        # Without the version that zstd has in it, so that the option which names the file needs none.
        name = "libzstd-jni.so" if pattern.startswith("zstd") else Path(found).name
        (target / name).write_bytes(archive.read(found))
PYTHON

# Drivers run in Airflow's containers as user 50000, the cluster as the same; both write these volumes.
install -d -o 50000 -g 0 -m 0770 /opt/spark-events /opt/spark-scratch
