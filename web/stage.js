/** The studio: camera, light, floor, and people in it; a picture is drawn when something changed. */
import {
  CircleGeometry,
  Color,
  DirectionalLight,
  Fog,
  Group,
  HemisphereLight,
  Mesh,
  MeshStandardMaterial,
  NeutralToneMapping,
  OrbitControls,
  PCFShadowMap,
  PerspectiveCamera,
  Scene,
  Vector3,
  WebGLRenderer,
} from "./vendor/three_vrm.js";

const FIELD_DEGREES = 28;
// Pixels drawn for one of the page, from the best down to what slow machines can do.
const SHARPNESS = [2, 1.25, 0.8, 0.5];
const SLOW_MILLISECONDS = 48; // between pictures, at which fewer pixels are drawn
const SLOW_PICTURES = 6;
const SHADOW_PIXELS = 2048; // along the edge of the map, at best
const SHADOW_BLUR = 7; // of its pixels
const MARGIN = 1.12; // of the picture around the people

export class Stage {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.renderer = new WebGLRenderer({
      canvas,
      antialias: true,
      powerPreference: "high-performance",
    });
    this.renderer.toneMapping = NeutralToneMapping;
    this.renderer.shadowMap.enabled = true;
    this.renderer.shadowMap.type = PCFShadowMap;
    this.renderer.shadowMap.autoUpdate = false;
    this.scene = new Scene();
    this.people = new Group();
    this.scene.add(this.people);
    this.camera = new PerspectiveCamera(FIELD_DEGREES, 1, 0.05, 60);
    this.controls = new OrbitControls(this.camera, canvas);
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    Object.assign(this.controls, {
      enableDamping: !isCalm,
      dampingFactor: 0.12,
      zoomToCursor: true,
    });
    Object.assign(this.controls, { minDistance: 0.4, maxDistance: 14, maxPolarAngle: 1.75 });
    this.controls.addEventListener("change", () => (this.changed = true));
    this.#light();
    this.changed = true;
    this.level = 0;
    this.slow = 0;
    this.before = () => {};
    new ResizeObserver(() => this.#resize()).observe(canvas.parentElement);
    this.#resize();
    requestAnimationFrame(this.#loop);
  }

  #light() {
    this.sky = new HemisphereLight("#f4f6ff", "#9b8f86", 1);
    this.key = new DirectionalLight("#fff1e0", 3.1);
    this.key.position.set(1.6, 3.6, 2.6);
    this.key.castShadow = true;
    this.key.shadow.mapSize.setScalar(SHADOW_PIXELS);
    this.key.shadow.radius = SHADOW_BLUR;
    this.key.shadow.intensity = 0.75;
    this.key.shadow.bias = -0.0006;
    this.key.shadow.normalBias = 0.02;
    this.fill = new DirectionalLight("#d9e4ff", 0.8);
    this.fill.position.set(-3, 1.4, 2.2);
    this.rim = new DirectionalLight("#cfe0ff", 1.7);
    this.rim.position.set(-2.4, 2.6, -2.6);
    this.floor = new Mesh(new CircleGeometry(40, 48), new MeshStandardMaterial({ roughness: 1 }));
    this.floor.rotation.x = -Math.PI / 2;
    this.floor.receiveShadow = true;
    this.scene.add(this.sky, this.key, this.key.target, this.fill, this.rim, this.floor);
  }

  /** Takes the colours of the page. */
  paint({ backdrop, floor, isDark }) {
    this.scene.background = new Color(backdrop);
    this.scene.fog = new Fog(new Color(backdrop), 4.5, 14);
    this.floor.material.color.set(floor);
    this.sky.intensity = isDark ? 0.8 : 1.5;
    this.fill.intensity = isDark ? 0.35 : 0.8;
    this.rim.intensity = isDark ? 2.6 : 1.5;
    this.changed = true;
  }

  /**
   * Looks at people so that all are seen.
   *
   * @param {{low: number[], high: number[]}} box around what is to be seen, metres
   * @param {number} [around] radians to the right of straight ahead
   */
  frame({ low, high }, around = 0.3) {
    const centre = low.map((value, axis) => (value + high[axis]) / 2);
    const [wide, tall] = [high[0] - low[0], high[1] - low[1]];
    const slope = Math.tan((FIELD_DEGREES / 2) * (Math.PI / 180));
    const far = MARGIN * Math.max(tall / 2 / slope, wide / 2 / slope / this.camera.aspect);
    const away = far + (high[2] - low[2]) / 2;
    this.controls.target.set(...centre);
    this.camera.position.set(
      centre[0] + away * Math.sin(around),
      centre[1] + away * 0.1,
      centre[2] + away * Math.cos(around),
    );
    this.lightOn(centre, Math.max(wide, tall));
    this.controls.update();
    this.changed = true;
  }

  /** Aims light and shadow at a place that is `size` metres large. */
  lightOn(centre, size) {
    const shadow = this.key.shadow.camera;
    const half = Math.max(1.2, size * 0.8);
    Object.assign(shadow, {
      left: -half,
      right: half,
      top: half,
      bottom: -half,
      near: 0.5,
      far: 12,
    });
    shadow.updateProjectionMatrix();
    this.key.target.position.set(centre[0], Math.min(centre[1], 1), centre[2]);
    this.key.position.copy(this.key.target.position).add(new Vector3(1.7, 3.2, 2.9));
  }

  /** Returns where a place of the world is on the page, in pixels, or null behind the camera. */
  project(place) {
    const point = new Vector3(...place).project(this.camera);
    if (point.z > 1) return null;
    const { clientWidth: wide, clientHeight: tall } = this.canvas;
    return [((point.x + 1) / 2) * wide, ((1 - point.y) / 2) * tall];
  }

  #resize() {
    const { clientWidth: wide, clientHeight: tall } = this.canvas.parentElement;
    if (!wide || !tall) return;
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, SHARPNESS[this.level]));
    this.renderer.setSize(wide, tall, false);
    const before = this.camera.aspect;
    this.camera.aspect = wide / tall;
    this.camera.updateProjectionMatrix();
    if (Math.abs(before - this.camera.aspect) > 0.01) this.onresize?.();
    this.changed = true;
  }

  /** Draws fewer pixels where pictures that follow each other take too long. */
  #pace(now) {
    const passed = now - (this.last ?? 0);
    this.last = now;
    this.slow = passed > SLOW_MILLISECONDS && passed < 1000 ? this.slow + 1 : 0;
    if (this.slow < SLOW_PICTURES || this.level + 1 === SHARPNESS.length) return;
    this.slow = 0;
    this.level++;
    this.key.shadow.mapSize.setScalar(SHADOW_PIXELS / 2 ** this.level);
    this.key.shadow.radius = SHADOW_BLUR / 2 ** this.level; // as soft as before, in metres
    this.key.shadow.map?.dispose();
    this.key.shadow.map = null;
    this.#resize();
  }

  #loop = (now) => {
    requestAnimationFrame(this.#loop);
    this.before(now);
    this.controls.update();
    if (!this.changed && !this.isStale) return;
    this.#pace(now);
    this.drawn = (this.drawn ?? 0) + 1;
    // Slow machines draw shadows of every third picture, and of the one that stays.
    const isLast = !this.changed;
    this.isStale = !isLast && this.level > 0 && this.drawn % 3 !== 0;
    this.renderer.shadowMap.needsUpdate = !this.isStale;
    this.changed = false;
    this.renderer.render(this.scene, this.camera);
    this.after?.();
  };
}
