import os
import tempfile

os.chdir(tempfile.mkdtemp())
for folder in ("new", "work"):
    os.mkdir(folder)
for name in ("order-1", "order-2"):
    open(f"new/{name}", "w").close()

os.remove("new/order-1")  # taken by removing it; the worker is killed
os.rename("new/order-2", "work/order-2")  # by moving it; the worker is killed

print("still there:", os.listdir("new") + os.listdir("work"))
