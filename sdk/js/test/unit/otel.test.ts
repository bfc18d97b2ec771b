import { context, propagation, ROOT_CONTEXT, SpanKind, trace, type ContextManager } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { contextOf, otel } from "../../src/otel.js";
import { settle } from "../kit/clock.js";
import { stage } from "../kit/stage.js";

const exporter = new InMemorySpanExporter();

beforeAll(() => {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable() as ContextManager);
});
afterEach(() => exporter.reset());
afterAll(() => {
  trace.disable();
  propagation.disable();
  context.disable();
});

const tracer = trace.getTracer("test");
const spans = () => exporter.getFinishedSpans();
const ACK = { seq: 1, epoch: "e1", duplicate: false, stored: "memory" };

describe("trace context", () => {
  it("R53 a publish is a producer span from the call to the ack, whose context goes along", async () => {
    const { bus, welcome } = stage({ tracing: otel() });
    const socket = await welcome();
    const acked = tracer.startActiveSpan("click", (click) => {
      const call = bus.publish("science:explore", 1, { ack: true });
      click.end();
      return call;
    });
    const sent = socket.sent[1]!;
    expect(spans().map(({ name }) => name)).toEqual(["click"]);
    await socket.ok(sent, ACK);
    await acked;
    await settle();
    const [click, send] = spans();
    expect(send).toMatchObject({ name: "send science:*", kind: SpanKind.PRODUCER, attributes: {
      "messaging.destination.name": "science:explore", "messaging.message.id": sent["id"],
    } });
    expect(send!.parentSpanContext!.spanId).toBe(click!.spanContext().spanId);
    expect(sent["traceparent"]).toBe(`00-${click!.spanContext().traceId}-${send!.spanContext().spanId}-01`);
  });

  it("R53 the context is that of the call, taken before anything else", async () => {
    // As in a browser: a manager that knows nothing of promises.
    const stack = [ROOT_CONTEXT];
    const manager = {
      active: () => stack.at(-1)!, enable: () => manager, disable: () => manager, bind: (_: unknown, target: unknown) => target,
      with: (given: never, run: (...rest: never[]) => unknown, self: unknown, ...rest: never[]) => {
        stack.push(given);
        try {
          return run.apply(self, rest);
        } finally {
          stack.pop();
        }
      },
    };
    context.disable();
    context.setGlobalContextManager(manager as unknown as ContextManager);
    try {
      const { bus, welcome } = stage({ tracing: otel() });
      const socket = await welcome();
      let id = "";
      tracer.startActiveSpan("click", (click) => {
        id = click.spanContext().traceId;
        void bus.sendPrivate("c-2", 1);
        void bus.broadcast("science", 1);
        click.end();
      });
      await settle();
      expect(socket.sent.slice(1).map(({ traceparent }) => traceparent.slice(3, 35))).toEqual([id, id]);
    } finally {
      context.disable();
      context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable() as ContextManager);
    }
  });

  it("R53 a publish that fails ends its span with the error", async () => {
    const { bus } = stage({ tracing: otel() });
    await expect(bus.publish("science:explore", 1, { whenOffline: "reject" })).rejects.toThrow();
    await settle();
    expect(spans()[0]).toMatchObject({ name: "send science:*", status: { message: "there is no connection now" } });
  });

  const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  it("R54 a handler runs inside a consumer span that continues the message, with a link to it", async () => {
    const { bus, welcome } = stage({ tracing: otel({ template: () => "science:{topic}" }) });
    const seen: unknown[] = [];
    const socket = await welcome();
    void bus.subscribe("science:explore").run(async () => {
      await settle();
      seen.push(trace.getActiveSpan()?.spanContext().spanId);
    });
    await socket.joined();
    await socket.say(socket.event(1, 1, { traceparent: parent, tracestate: "a=b" }));
    await settle();
    await settle();
    const [span] = spans();
    expect(span).toMatchObject({ name: "process science:{topic}", kind: SpanKind.CONSUMER });
    expect(span!.spanContext().traceId).toBe("0af7651916cd43dd8448eb211c80319c");
    expect(span!.parentSpanContext!.spanId).toBe("b7ad6b7169203331");
    expect(span!.links.map((link) => link.context.spanId)).toEqual(["b7ad6b7169203331"]);
    expect(seen).toEqual([span!.spanContext().spanId]);
  });

  it("R54 without consumer spans a handler still continues the trace; a bare iterator makes no span", async () => {
    const { bus, welcome } = stage({ tracing: otel({ consumerSpans: false }) });
    const socket = await welcome();
    const handle = bus.subscribe("science:explore");
    await socket.joined();
    await socket.say(socket.event(1, 1, { traceparent: parent }), socket.event(2));
    const { value } = await handle.next();
    expect(value!.traceparent).toBe(parent);
    expect(trace.getSpanContext(contextOf(value!))!.spanId).toBe("b7ad6b7169203331");
    void handle.run(() => Promise.reject(new Error("of the handler")));
    await settle();
    expect(spans()).toEqual([]);
  });

  it("R55 without it a traceparent that is given goes as it is", async () => {
    const { bus, welcome } = stage();
    const socket = await welcome();
    void bus.publish("science:explore", 1, { traceparent: parent, tracestate: "a=b" });
    await settle();
    expect(socket.sent[1]).toMatchObject({ traceparent: parent, tracestate: "a=b" });
  });
});
