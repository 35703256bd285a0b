"""A headless Chromium, driven over a pipe by the DevTools protocol: JSON messages that end in a zero byte."""
import json
import os
import shutil
import subprocess
import sys
import time

import pytest

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# The browser reads from descriptor 3 and writes to 4.
START = """
import fcntl, os, sys
read, write = [fcntl.fcntl(int(each), fcntl.F_DUPFD, 10) for each in sys.argv[1:3]]
os.dup2(read, 3), os.dup2(write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
KEYS = {"ArrowRight": 39, "ArrowLeft": 37, "ArrowUp": 38, "ArrowDown": 40, "Home": 36, "End": 35, "Enter": 13, "Escape": 27,
        "Tab": 9, " ": 32}


class Chromium:
    """A browser with one window.        page: the file or address that it shows."""

    def __init__(self, folder, *options):
        if PROGRAM is None:
            pytest.skip("no Chromium here (Debian: apt-get install chromium)")
        theirs, ours = os.pipe()
        self.read, back = os.pipe()
        self.write, self.rest, self.number, self.events, self.log = ours, b"", 0, [], open(folder / "chromium.log", "wb")
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, str(theirs), str(back), PROGRAM, "--headless=new", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-pipe", "--lang=en-US", "--window-size=1400,900",
             f"--user-data-dir={folder / 'profile'}", *options, "about:blank"],
            pass_fds=(theirs, back), stdout=self.log, stderr=self.log)
        os.close(theirs), os.close(back)
        os.set_blocking(self.read, False)
        target = next(each for each in self.send("Target.getTargets")["targetInfos"] if each["type"] == "page")
        self.session = self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in "Page", "Runtime", "Log", "Network":
            self.send(f"{domain}.enable")
        self.send("Emulation.setDeviceMetricsOverride", width=1400, height=900, deviceScaleFactor=1, mobile=False)

    session = None

    def send(self, method, **params):
        """The answer to a command."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.events.append(answer)

    def receive(self, timeout=60):
        end = time.monotonic() + timeout
        while b"\0" not in self.rest:
            try:
                got = os.read(self.read, 1 << 20)
                assert got, "Chromium has ended"
                self.rest += got
            except BlockingIOError:
                assert time.monotonic() < end, "Chromium does not answer"
                time.sleep(0.002)
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def open(self, address):
        """Show a page, and say how many seconds that took, until it was drawn."""
        self.events.clear()
        start = time.monotonic()
        self.send("Page.navigate", url=address)
        while not any([each.get("method") == "Page.loadEventFired" for each in self.events]):
            self.events.append(self.receive())
        self.eval("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")
        return time.monotonic() - start

    def eval(self, expression):
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def key(self, name, shift=False):
        """Press a key, as a person would."""
        text = name if len(name) == 1 else "\r" if name == "Enter" else None
        about = {"key": name, "windowsVirtualKeyCode": KEYS.get(name, ord(name[0].upper())), "modifiers": 8 * shift}
        self.send("Input.dispatchKeyEvent", type="keyDown", **about, **({"text": text} if text else {}))
        self.send("Input.dispatchKeyEvent", type="keyUp", **about)

    def type(self, text):
        self.send("Input.insertText", text=text)

    def click(self, selector):
        """Press the mouse in the middle of an element."""
        x, y = self.eval(f"(() => {{ const box = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
                         "return [box.x + box.width / 2, box.y + box.height / 2] })()")
        for event in "mousePressed", "mouseReleased":
            self.send("Input.dispatchMouseEvent", type=event, x=x, y=y, button="left", clickCount=1)

    def drag(self, x, y, to_x, to_y):
        for event, at in ("mousePressed", (x, y)), ("mouseMoved", ((x + to_x) / 2, (y + to_y) / 2)), ("mouseMoved", (to_x, to_y)), \
                ("mouseReleased", (to_x, to_y)):
            self.send("Input.dispatchMouseEvent", type=event, x=at[0], y=at[1], button="left", buttons=1, clickCount=1)

    def wheel(self, x, y, by):
        self.send("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=by)

    def complaints(self):
        """What the page has said in the console, errors and the like."""
        self.eval("1")
        found = []
        for event in self.events:
            method, params = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                found.append(params["exceptionDetails"])
            elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(params["entry"])
            elif method == "Runtime.consoleAPICalled":
                found.append(params)
        return found

    def requests(self):
        """The addresses that were asked for."""
        return [event["params"]["request"]["url"] for event in self.events if event.get("method") == "Network.requestWillBeSent"]

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        os.close(self.read), os.close(self.write)
        self.log.close()
