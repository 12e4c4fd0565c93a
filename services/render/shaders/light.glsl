// Metal-rough shading (glTF 2.0, appendix B) under spherical-harmonic surroundings and one key light. In front of the
// vertex shader where that lights (LIT_AT_VERTICES), of the fragment shader elsewhere.
uniform float floor_reflection; // share of head-on reflections: 0 for a photo's texture, which holds them already
uniform vec3 key_direction;
uniform vec3 key_radiance; // irradiance / pi
uniform vec3 rim_direction; // of a lamp behind the subject that sweeps slowly
uniform vec3 rim_radiance;

const float DIELECTRIC = 0.04;
const float RIM = 0.25; // of the grazing reflection: all of it is a bright line around dark products, like a bad cut-out
const float LEAST_ROUGH = 0.08; // below, one key light gives sparkling pixels instead of a highlight

// What a surface does with light: seen = its scattering colour * gain + reflected.
// n, v: unit vectors; f0: reflectance head on; surroundings: irradiance / pi; mirrored: radiance; key_left: share of the
// key light that reaches the place.
void light(vec3 n, vec3 v, vec3 f0, float metallic, float rough, vec3 surroundings, vec3 mirrored, float key_left,
           out vec3 gain, out vec3 reflected) {
    float roughness = clamp(rough, LEAST_ROUGH, 1.0);
    vec3 h = normalize(key_direction + v);
    float nl = max(dot(n, key_direction), 0.0);
    float nv = clamp(dot(n, v), 0.02, 1.0);
    float nh = max(dot(n, h), 0.0);
    float vh = max(dot(v, h), 0.0);

    // Key light: GGX with Schlick's Fresnel and Smith's masking (k for point lights).
    float a2 = roughness * roughness * roughness * roughness;
    float d = nh * nh * (a2 - 1.0) + 1.0;
    float k = (roughness + 1.0) * (roughness + 1.0) / 8.0;
    float m = 1.0 - vh;
    float m2 = m * m;
    vec3 fresnel = f0 + (1.0 - f0) * (m2 * m2 * m);
    vec3 key = nl * key_left * key_radiance;
    float highlight = a2 / (d * d * ((nl * (1.0 - k) + k) * (nv * (1.0 - k) + k) * 4.0));

    // Surroundings: diffuse from irradiance; reflections, stronger at the rim, from harmonics of the same order, which are
    // as blurred as a satin surface shows them (rough Schlick: Lagarde, "Spherical Gaussian approximation ...", 2012).
    float rim = 1.0 - nv;
    float rim2 = rim * rim;
    vec3 head_on = f0 * (1.0 - (1.0 - floor_reflection) * (1.0 - metallic));
    vec3 mirror = head_on + (max(vec3(1.0 - roughness), f0) - f0) * (RIM * rim2 * rim2 * rim);
    gain = key * ((1.0 - fresnel) * (1.0 - DIELECTRIC)) + surroundings;
    float edge = max(dot(n, rim_direction), 0.0) * rim2 * rim;
    reflected = key * fresnel * highlight + mirror * mirrored + edge * rim_radiance;
}
