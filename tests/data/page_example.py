# The Python example of the public API page, to the letter but for the base URL, which is the test's own.
import os, time, requests

API = os.environ["LENSORA_TEST_API"]
KEY = os.environ["PIXELAPI_KEY"]
H = {"Authorization": f"Bearer {KEY}"}

# 1. INIT
with open("rolleiflex.jpg", "rb") as f:
    init = requests.post(f"{API}/v1/studio/init",
        headers=H, files={"image": f}).json()

print("session:", init["session_id"])
print("objects:")
for i, o in enumerate(init["objects"]):
    print(f" [{i}] {o['label']} ({o['category']})")

# 2. TRANSFORM
job = requests.post(f"{API}/v1/studio/transform",
    headers={**H, "Content-Type": "application/json"},
    json={
        "session_id": init["session_id"],
        "object_index": 0,
        "background": {
            "type": "prompt",
            "prompt": "on a marble countertop with soft natural light",
        },
        "camera_preset": "cinematic",
    }).json()

print("job:", job["job_id"], "ETA:", job["estimated_seconds"], "s")

# 3. POLL
while True:
    s = requests.get(f"{API}/v1/studio/result/{job['job_id']}",
                     headers=H).json()
    print(f" {s['status']:10} step={s.get('step','-'):20} pct={s.get('progress',0)}%")
    if s["status"] == "completed":
        out = s["output"]
        print("MP4:", out["mp4_url"])
        print("GLB:", out["glb_url"])
        # Download the MP4
        with open("output.mp4", "wb") as f:
            f.write(requests.get(out["mp4_url"]).content)
        break
    if s["status"] == "failed":
        print("FAILED:", s.get("error"))
        break
    time.sleep(4)
