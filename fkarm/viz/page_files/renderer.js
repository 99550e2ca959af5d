"use strict";
// A small WebGL renderer: solids with one light, lines, a camera that orbits about a point; z is up.

const SOLID_VERTEX = `
attribute vec3 position, normal;
uniform mat4 camera, pose;
varying vec3 facing;
void main() {
  facing = mat3(pose) * normal;
  gl_Position = camera * pose * vec4(position, 1.0);
}`;
const SOLID_FRAGMENT = `
precision mediump float;
uniform vec4 colour;
uniform vec3 light;
varying vec3 facing;
void main() {
  vec3 n = normalize(facing);
  if (!gl_FrontFacing) n = -n;
  float lit = 0.62 + 0.3 * dot(n, light) + 0.14 * n.z;
  gl_FragColor = vec4(colour.rgb * lit * colour.a, colour.a);
}`;
const LINE_VERTEX = `
attribute vec3 position, colour;
uniform mat4 camera, pose;
varying vec3 shade;
void main() { shade = colour; gl_Position = camera * pose * vec4(position, 1.0); }`;
const LINE_FRAGMENT = `
precision mediump float;
varying vec3 shade;
void main() { gl_FragColor = vec4(shade, 1.0); }`;

const cross = (a, b) => [
  a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0],
];
const minus = (a, b) => a.map((x, k) => x - b[k]);
const dot = (a, b) => a.reduce((sum, x, k) => sum + x * b[k], 0);
const unit = (a) => a.map((x) => x / (Math.hypot(...a) || 1));

class Camera {
  constructor(centre, size) {
    Object.assign(this, { centre, size, azimuth: -0.9, height: 0.4, distance: 2.2 * size });
  }

  get eye() {
    const across = this.distance * Math.cos(this.height);
    return [
      this.centre[0] + across * Math.cos(this.azimuth),
      this.centre[1] + across * Math.sin(this.azimuth),
      this.centre[2] + this.distance * Math.sin(this.height),
    ];
  }

  axes() {
    const back = unit(minus(this.eye, this.centre));
    const right = unit(cross([0, 0, 1], back));
    return { back, right, up: cross(back, right) };
  }

  matrix(aspect) {
    const { back, right, up } = this.axes();
    const eye = this.eye;
    const view = [
      right[0], up[0], back[0], 0, right[1], up[1], back[1], 0, right[2], up[2], back[2], 0,
      -dot(right, eye), -dot(up, eye), -dot(back, eye), 1,
    ];
    const near = 0.02 * this.distance, far = 60 * (this.distance + this.size);
    // The whole robot fits into narrow windows too.
    const focal = 2.1 * Math.min(1, aspect);
    const lens = [
      focal / aspect, 0, 0, 0, 0, focal, 0, 0, 0, 0, (far + near) / (near - far), -1,
      0, 0, (2 * far * near) / (near - far), 0,
    ];
    return multiply(lens, view);
  }

  orbit(dx, dy) {
    this.azimuth -= dx;
    this.height = Math.min(1.5, Math.max(-1.5, this.height + dy));
  }

  pan(dx, dy) {
    const { right, up } = this.axes();
    this.centre = this.centre.map((x, k) => x + this.distance * (dy * up[k] - dx * right[k]));
  }

  zoom(factor) {
    const distance = this.distance * factor;
    this.distance = Math.min(20 * this.size, Math.max(0.1 * this.size, distance));
  }
}

class Renderer {
  constructor(canvas) {
    this.canvas = canvas;
    this.gl = canvas.getContext("webgl2", { antialias: true, preserveDrawingBuffer: true });
    if (!this.gl) throw new Error("This page needs WebGL 2, which this browser does not offer.");
    this.solids = this.program(SOLID_VERTEX, SOLID_FRAGMENT);
    this.lines = this.program(LINE_VERTEX, LINE_FRAGMENT);
  }

  program(...sources) {
    const gl = this.gl, program = gl.createProgram();
    sources.forEach((source, k) => {
      const shader = gl.createShader(k ? gl.FRAGMENT_SHADER : gl.VERTEX_SHADER);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    });
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS))
      throw new Error(gl.getProgramInfoLog(program));
    return program;
  }

  buffer(numbers) {
    const gl = this.gl, buffer = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array(numbers), gl.STATIC_DRAW);
    return buffer;
  }

  // A corner's normal is the mean of the faces around it, weighted by their areas.
  solid(vertices, faces) {
    const gl = this.gl, normals = new Float32Array(vertices.length);
    const corner = (k) => vertices.slice(3 * k, 3 * k + 3);
    for (let k = 0; k < faces.length; k += 3) {
      const [a, b, c] = [0, 1, 2].map((i) => [...corner(faces[k + i])]);
      const area = cross(minus(b, a), minus(c, a));
      for (let i = 0; i < 9; i++) normals[3 * faces[k + Math.floor(i / 3)] + (i % 3)] += area[i % 3];
    }
    const indices = gl.createBuffer();
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, indices);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, new Uint32Array(faces), gl.STATIC_DRAW);
    const [position, normal] = [vertices, normals].map((numbers) => this.buffer(numbers));
    return { position, normal, indices, count: faces.length };
  }

  // Pairs of points with a colour (0 to 1) for both.
  lineSet(segments) {
    const positions = segments.flatMap(({ from, to }) => [...from, ...to]);
    const colours = segments.flatMap(({ colour }) => [...colour, ...colour]);
    const count = 2 * segments.length;
    return { position: this.buffer(positions), colour: this.buffer(colours), count };
  }

  begin(camera, background) {
    const gl = this.gl, scale = Math.min(window.devicePixelRatio || 1, 2);
    const width = Math.round(this.canvas.clientWidth * scale);
    const height = Math.round(this.canvas.clientHeight * scale);
    if (this.canvas.width !== width || this.canvas.height !== height)
      Object.assign(this.canvas, { width, height });
    gl.viewport(0, 0, width, height);
    gl.clearColor(...background, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST);
    gl.disable(gl.BLEND);
    this.camera = camera.matrix(width / Math.max(height, 1));
    const { back, right, up } = camera.axes();
    this.light = unit(back.map((x, k) => 0.75 * x + 0.35 * up[k] - 0.45 * right[k]));
  }

  drawSolid(solid, pose, colour, depthOnly = false) {
    const gl = this.gl;
    this.bind(this.solids, pose, { position: solid.position, normal: solid.normal });
    gl.uniform4fv(gl.getUniformLocation(this.solids, "colour"), colour);
    gl.uniform3fv(gl.getUniformLocation(this.solids, "light"), this.light);
    gl.colorMask(!depthOnly, !depthOnly, !depthOnly, !depthOnly);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, solid.indices);
    gl.drawElements(gl.TRIANGLES, solid.count, gl.UNSIGNED_INT, 0);
    gl.colorMask(true, true, true, true);
  }

  // See-through solids, after everything else. Depth first, so that only their outsides are seen.
  drawSeeThrough(parts) {
    const gl = this.gl;
    for (const [solid, pose, colour] of parts) this.drawSolid(solid, pose, colour, true);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.depthFunc(gl.LEQUAL);
    for (const [solid, pose, colour] of parts) this.drawSolid(solid, pose, colour);
    gl.depthFunc(gl.LESS);
    gl.disable(gl.BLEND);
  }

  drawLines(lines, pose, onTop = false) {
    const gl = this.gl;
    this.bind(this.lines, pose, { position: lines.position, colour: lines.colour });
    if (onTop) gl.disable(gl.DEPTH_TEST);
    gl.drawArrays(gl.LINES, 0, lines.count);
    gl.enable(gl.DEPTH_TEST);
  }

  bind(program, pose, buffers) {
    const gl = this.gl;
    gl.useProgram(program);
    gl.uniformMatrix4fv(gl.getUniformLocation(program, "camera"), false, this.camera);
    gl.uniformMatrix4fv(gl.getUniformLocation(program, "pose"), false, pose);
    for (const [name, buffer] of Object.entries(buffers)) {
      const place = gl.getAttribLocation(program, name);
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, 3, gl.FLOAT, false, 0, 0);
    }
  }
}
