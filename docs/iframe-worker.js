/* A browser lets no page that was opened as a file start a worker. The search then runs in a frame. */
class FrameWorker extends EventTarget {
  constructor(url) {
    super();
    const frame = document.createElement("iframe");
    frame.hidden = true;
    const loaded = new Promise((resolve) => {
      document.body.append(frame);
      const inside = frame.contentWindow;
      inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      const script = inside.document.createElement("script");
      script.src = url;
      script.onload = () => resolve(inside);
      inside.document.body.append(script);
    });
    this.postMessage = (data) =>
      loaded.then((inside) => inside.dispatchEvent(new MessageEvent("message", { data })));
  }
}
if (location.protocol === "file:") window.Worker = FrameWorker;
